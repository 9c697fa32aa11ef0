import { printable } from "../printable.ts";

/** A line of a step's output, safe for a terminal. `time` is when it was complete. */
export interface LogLine {
  readonly text: string;
  readonly time: number;
}

/** What is kept of a step's output for the case that it fails, in UTF-16 units. */
const KEPT = 8 * 1024 * 1024;
/** A line longer than this is cut into pieces: some programs never end one. */
const LONGEST = 32 * 1024;

/** A step's output as lines; both streams, each cut at its own line ends. */
export class StepLog {
  readonly #open = new Map<string, string>();
  #lines: LogLine[] = [];
  #size = 0;
  #dropped = 0;

  /** The lines that were kept: all, except of output beyond some megabytes. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** How many lines at the beginning are not kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The last lines, an unfinished one among them. */
  tail(count: number): readonly string[] {
    const open = [...this.#open.values()].map(lineText).filter((text) => text !== "");
    return [...this.#lines.slice(-count).map((line) => line.text), ...open].slice(-count);
  }

  /** Adds output and returns the lines that it completes. */
  add(stream: string, data: string, time: number): readonly LogLine[] {
    const pieces = ((this.#open.get(stream) ?? "") + data).split("\n");
    let open = pieces.pop()!;
    for (; open.length > LONGEST; open = open.slice(LONGEST)) pieces.push(open.slice(0, LONGEST));
    this.#open.set(stream, open);
    return this.#keep(pieces, time);
  }

  /** Completes the lines that no newline ends. */
  end(time: number): readonly LogLine[] {
    const open = [...this.#open.values()].filter((text) => text !== "");
    this.#open.clear();
    return this.#keep(open, time);
  }

  #keep(pieces: readonly string[], time: number): readonly LogLine[] {
    const lines = pieces.map((piece) => ({ text: lineText(piece), time }));
    for (const line of lines) {
      this.#lines.push(line);
      this.#size += line.text.length + 1;
    }
    if (this.#size > KEPT) this.#dropOldest();
    return lines;
  }

  /** Drops a quarter at once, so that a long output costs no more than its length. */
  #dropOldest(): void {
    const wanted = (KEPT / 4) * 3;
    let count = 0;
    for (; this.#size > wanted && count < this.#lines.length; count += 1) this.#size -= this.#lines[count]!.text.length + 1;
    this.#lines = this.#lines.slice(count);
    this.#dropped += count;
  }
}

/** What a terminal would show of a line: the last thing written over itself with carriage returns. */
function lineText(raw: string): string {
  const written = raw.split("\r").filter((piece) => piece !== "");
  return printable(written.at(-1) ?? "");
}
