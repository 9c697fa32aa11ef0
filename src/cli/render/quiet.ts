import type { BuildEvent } from "../../events/build-event.ts";
import { printable } from "../printable.ts";
import { failedOutput } from "./failed-steps.ts";
import type { Renderer, RendererOptions } from "./renderer.ts";
import { Steps } from "./steps.ts";

/** Nothing but what went wrong. */
export class QuietRenderer implements Renderer {
  readonly #write: (text: string) => void;
  readonly #steps = new Steps();

  constructor({ write }: RendererOptions) {
    this.#write = write;
  }

  readonly events = (event: BuildEvent): void => {
    if (event.type === "plan") this.#steps.plan(event);
    else if (event.type === "warning") this.#write(`WARNING: ${printable(event.message)}\n`);
    else if (event.type !== "notice" && event.type !== "check") this.#steps.apply(event);
  };

  succeed(): void {}

  fail(): void {
    this.#write(failedOutput(this.#steps.all, Infinity));
  }

  cancel(): void {}
}
