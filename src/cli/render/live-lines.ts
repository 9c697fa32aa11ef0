import { textWidth } from "./text-width.ts";

/** The part of a terminal that a live display needs. */
export interface Screen {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

/** A line and how it looks on the screen, with codes for its colour. */
export interface LiveLine {
  readonly text: string;
  readonly shown: string;
}

const ERASE_LINE = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

/**
 * The last lines of a terminal, drawn again and again. What is there is written over, not erased: no flicker, and tmux
 * would keep in its history a screen that is erased from its top.
 */
export class LiveLines {
  readonly #write: (text: string) => void;
  readonly #screen: Screen;
  /** The widths of the lines on the screen, to know how far up they reach after a resize has wrapped them. */
  #drawn: readonly number[] = [];

  constructor(write: (text: string) => void, screen: Screen) {
    this.#write = write;
    this.#screen = screen;
  }

  /** How wide a line may be: one less than there are columns, as a full line would wrap on some terminals. */
  get columns(): number {
    return Math.max(20, this.#screen.columns ?? 80) - 1;
  }

  /** Writes the lines over those that were drawn before. */
  replace(lines: readonly LiveLine[]): void {
    if (lines.length === 0 && this.#drawn.length === 0) return;
    const text = lines.map(({ shown }) => `${shown}${ERASE_LINE}\n`).join("");
    this.#write(this.#up() + text + ERASE_BELOW);
    this.#drawn = lines.map((line) => textWidth(line.text));
  }

  /** After a resize: lines that a narrower terminal has wrapped are no longer lines to write over. */
  erase(): void {
    if (this.#drawn.length > 0) this.#write(`${this.#up()}${ERASE_BELOW}`);
    this.#drawn = [];
  }

  /** Writes, where the display begins, what stays above it (by another stream of the same terminal if need be); the display is to be drawn again below. */
  above(shown: string, write = this.#write): void {
    const up = this.#up();
    if (up !== "") this.#write(up);
    write(`${shown}${ERASE_LINE}\n`);
    this.#write(ERASE_BELOW);
    this.#drawn = [];
  }

  /** Leaves the lines where they are; what is drawn next stands below them. */
  leave(): void {
    this.#drawn = [];
  }

  #up(): string {
    const columns = this.columns + 1;
    const up = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return up === 0 ? "" : `\u001b[${up}A\r`;
  }
}
