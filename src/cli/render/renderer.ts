import type { EventSink } from "../../events/build-event.ts";

/** What a build has made. */
export interface BuildResult {
  /** Of an image; files have none. */
  readonly id?: string;
  readonly names: readonly string[];
  /** It is an image of the store now. */
  readonly stored: boolean;
}

/** Shows a build to a person or a program. Prints to standard error only: standard output is for results. */
export interface Renderer {
  readonly events: EventSink;
  /** The build came to its end: its last step is naming the image. */
  succeed(result: BuildResult): void;
  /** The build failed: ends the display and prints what the failed steps had said. */
  fail(): void;
  /** The build was interrupted. */
  cancel(): void;
}

export interface RendererOptions {
  /** Writes to standard error. */
  readonly write: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}
