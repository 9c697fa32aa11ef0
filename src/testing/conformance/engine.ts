import type { Ran } from "../images.ts";

/** A builder of images that is asked the cases. */
export interface Engine {
  /** A directory that it sees. */
  readonly work: string;
  /** How many builds it does at once without losing time. */
  readonly atOnce: number;
  /** `build ARGS`, in a directory below {@link work}. */
  build(directory: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran>;
  /** Writes images into a docker archive below {@link work}. */
  save(tags: readonly string[], file: string): Promise<void>;
}
