import type { BuildEvent } from "../../events/build-event.ts";
import { seconds } from "../format.ts";
import { printable } from "../printable.ts";
import { failedOutput } from "./failed-steps.ts";
import type { BuildResult, Renderer, RendererOptions } from "./renderer.ts";
import { type Row, stepRows } from "./rows.ts";
import { isOver, Steps } from "./steps.ts";
import { clip, textWidth } from "./text-width.ts";

/** The part of a terminal that the display needs. */
export interface Screen {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

export interface TtyOptions extends RendererOptions {
  readonly screen: Screen;
  readonly color: boolean;
}

/** At most so often is the screen drawn, and at least so often while a step runs: its clock goes on. */
const FRAME_MS = 100;
const STYLES = { plain: "", done: "\u001b[34m", failed: "\u001b[31m", dim: "\u001b[2m", warning: "\u001b[33m" } as const;
const RESET = "\u001b[0m";
const ERASE_LINE = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

/** The live display of a terminal: each step a line, the running ones with the end of their output. */
export class TtyRenderer implements Renderer {
  readonly #options: TtyOptions;
  readonly #steps = new Steps();
  readonly #started: number;
  #timer: NodeJS.Timeout | undefined;
  /** The widths of the lines on the screen, to know how far up they reach after a resize has wrapped them. */
  #drawn: readonly number[] = [];

  constructor(options: TtyOptions) {
    this.#options = options;
    this.#started = options.clock();
    options.screen.on("resize", this.#onResize);
  }

  readonly events = (event: BuildEvent): void => {
    if (event.type === "plan") this.#steps.plan(event);
    else if (event.type === "warning") this.#above(`WARNING: ${printable(event.message)}`, "warning");
    else if (event.type === "notice") this.#above(`NOTE: ${printable(event.message)}`, "dim");
    else this.#steps.apply(event);
    this.#drawLater();
  };

  succeed({ id, names }: BuildResult): void {
    const naming = names.map((name) => ({ left: ` => => naming to ${name}`, style: "done" as const }));
    this.#end("FINISHED", [{ left: " => exporting to image", style: "done" }, { left: ` => => writing image ${id}`, style: "done" }, ...naming]);
  }

  fail(): void {
    this.#end("ERROR", []);
    this.#options.write(failedOutput(this.#steps.all, Infinity));
  }

  cancel(): void {
    this.#end("CANCELED", []);
  }

  /** Lines that a narrower terminal has wrapped are no longer lines to write over. */
  readonly #onResize = (): void => {
    this.#options.write(this.#up() + ERASE_BELOW);
    this.#drawn = [];
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
    this.#drawn = [];
  }

  #head(word: string | undefined): Row {
    const over = this.#steps.all.filter(isOver).length;
    return { left: `[+] Building ${seconds(this.#options.clock() - this.#started)} (${over}/${this.#steps.planned})${word === undefined ? "" : ` ${word}`}`, style: "plain" };
  }

  /** A line that stays, above the display. */
  #above(text: string, style: Row["style"]): void {
    this.#options.write(`${this.#up()}${this.#styled(text, style)}${ERASE_LINE}\n${ERASE_BELOW}`);
    this.#drawn = [];
  }

  #replace(rows: readonly Row[]): void {
    const lines = rows.map((row) => ({ text: layOut(row, this.#columns()), style: row.style }));
    const text = lines.map((line) => `${this.#styled(line.text, line.style)}${ERASE_LINE}\n`).join("");
    this.#options.write(this.#up() + text + ERASE_BELOW);
    this.#drawn = lines.map((line) => textWidth(line.text));
  }

  /** To the first line of the last drawing. What is there is written over, not erased: no flicker, and tmux would keep a screen that is erased from its top. */
  #up(): string {
    const columns = this.#columns() + 1;
    const up = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return up === 0 ? "" : `\u001b[${up}A\r`;
  }

  /** One less than there are: a full line would wrap on some terminals. */
  #columns(): number {
    return Math.max(20, this.#options.screen.columns ?? 80) - 1;
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
