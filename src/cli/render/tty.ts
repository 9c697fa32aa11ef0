import type { BuildEvent } from "../../events/build-event.ts";
import { seconds } from "../format.ts";
import { printable } from "../printable.ts";
import { type CheckEvent, checkWarnings } from "./check-warnings.ts";
import { failedOutput } from "./failed-steps.ts";
import type { BuildResult, Renderer, RendererOptions } from "./renderer.ts";
import { LiveLines, type Screen } from "./live-lines.ts";
import { type Row, stepRows } from "./rows.ts";
import { isOver, Steps } from "./steps.ts";
import { clip, textWidth } from "./text-width.ts";

export interface TtyOptions extends RendererOptions {
  readonly screen: Screen;
  readonly color: boolean;
}

/** At most so often is the screen drawn, and at least so often while a step runs: its clock goes on. */
const FRAME_MS = 100;
const STYLES = { plain: "", done: "\u001b[34m", failed: "\u001b[31m", dim: "\u001b[2m", warning: "\u001b[33m" } as const;
const RESET = "\u001b[0m";

/** The live display of a terminal: each step a line, the running ones with the end of their output. */
export class TtyRenderer implements Renderer {
  readonly #options: TtyOptions;
  readonly #steps = new Steps();
  readonly #started: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #lines: LiveLines;
  readonly #checks: CheckEvent[] = [];

  constructor(options: TtyOptions) {
    this.#options = options;
    this.#lines = new LiveLines(options.write, options.screen);
    this.#started = options.clock();
    options.screen.on("resize", this.#onResize);
  }

  readonly events = (event: BuildEvent): void => {
    if (event.type === "plan") this.#steps.plan(event);
    else if (event.type === "warning") this.#above(`WARNING: ${printable(event.message)}`, "warning");
    else if (event.type === "notice") this.#above(`NOTE: ${printable(event.message)}`, "dim");
    else if (event.type === "check") this.#checks.push(event);
    else this.#steps.apply(event);
    this.#drawLater();
  };

  succeed({ id, names, stored }: BuildResult): void {
    const naming = names.map((name) => ({ left: ` => => naming to ${name}`, style: "done" as const }));
    this.#end("FINISHED", !stored ? [] : [{ left: " => exporting to image", style: "done" }, { left: ` => => writing image ${id}`, style: "done" }, ...naming]);
    const found = checkWarnings(this.#checks);
    if (found !== undefined) this.#options.write(`\n${this.#styled(found.heading, "warning")}\n${found.lines.join("\n")}\n`);
  }

  fail(): void {
    this.#end("ERROR", []);
    this.#options.write(failedOutput(this.#steps.all, Infinity));
  }

  cancel(): void {
    this.#end("CANCELED", []);
  }

  readonly #onResize = (): void => {
    this.#lines.erase();
    this.#draw();
  };

  #drawLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
      if (this.#steps.all.some((step) => !isOver(step))) this.#drawLater();
    }, FRAME_MS);
    this.#timer.unref();
  }

  #draw(): void {
    const height = Math.max(4, this.#options.screen.rows ?? 24) - 1;
    const rows = stepRows(this.#steps.all, this.#options.clock(), { height: height - 1, live: true });
    this.#replace([this.#head(undefined), ...rows]);
  }

  /** The last drawing: every step, however many; it scrolls like any text. */
  #end(word: string, extra: readonly Row[]): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.screen.off("resize", this.#onResize);
    const rows = stepRows(this.#steps.all, this.#options.clock(), { height: Infinity, live: false });
    this.#replace([this.#head(word), ...rows, ...extra]);
    this.#lines.leave();
  }

  #head(word: string | undefined): Row {
    const over = this.#steps.all.filter(isOver).length;
    return { left: `[+] Building ${seconds(this.#options.clock() - this.#started)} (${over}/${this.#steps.planned})${word === undefined ? "" : ` ${word}`}`, style: "plain" };
  }

  /** A line that stays, above the display. */
  #above(text: string, style: Row["style"]): void {
    this.#lines.above(this.#styled(text, style));
  }

  #replace(rows: readonly Row[]): void {
    const texts = rows.map((row) => ({ text: layOut(row, this.#lines.columns), style: row.style }));
    this.#lines.replace(texts.map(({ text, style }) => ({ text, shown: this.#styled(text, style) })));
  }

  #styled(text: string, style: Row["style"]): string {
    return this.#options.color && STYLES[style] !== "" ? `${STYLES[style]}${text}${RESET}` : text;
  }
}

/** A row as a line: the time at the right margin, the text cut before it. */
function layOut({ left, right = "" }: Row, columns: number): string {
  if (right === "") return clip(left, columns);
  const room = columns - right.length - 1;
  const text = clip(left, room);
  return `${text}${" ".repeat(Math.max(1, columns - right.length - textWidth(text)))}${right}`;
}
