import type { BuildEvent } from "../../events/build-event.ts";
import type { BuildResult, Renderer, RendererOptions } from "./renderer.ts";

/** Every event as a line of JSON, for programs; the last one is `{"type":"result",…}`. */
export class RawJsonRenderer implements Renderer {
  readonly #options: RendererOptions;

  constructor(options: RendererOptions) {
    this.#options = options;
  }

  readonly events = (event: BuildEvent): void => this.#line(event);

  succeed(result: BuildResult): void {
    this.#line({ type: "result", id: result.id, names: result.names, time: this.#options.clock() });
  }

  fail(): void {}

  cancel(): void {}

  #line(value: object): void {
    this.#options.write(`${JSON.stringify(value)}\n`);
  }
}
