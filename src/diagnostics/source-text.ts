/** A place in a text: 1-based line and column (UTF-16 units). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** From `start` up to, not including, `end`. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** A text that a user wrote, under the name the user knows it by. */
export class SourceText {
  readonly name: string;
  /** Lines as they stand, without "\n" but with a "\r" where there is one. */
  readonly rawLines: readonly string[];

  constructor(name: string, text: string) {
    this.name = name;
    const lines = (text.startsWith("\uFEFF") ? text.slice(1) : text).split("\n");
    if (lines.at(-1) === "") {
      lines.pop();
    }
    this.rawLines = lines;
  }

  /** A line for people and parsers: 1-based, without its line ending. */
  line(number: number): string {
    const raw = this.rawLines[number - 1] ?? "";
    return raw.endsWith("\r") ? raw.slice(0, -1) : raw;
  }
}
