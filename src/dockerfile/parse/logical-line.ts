import type { Position, Range, SourceText } from "../../diagnostics/source-text.ts";

/** Where a piece of a logical line stands in the file. */
interface Piece {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** One instruction's text with its continuation lines joined, that still knows where every character was written. */
export class LogicalLine {
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly #pieces: readonly Piece[];

  constructor(text: string, pieces: readonly Piece[], lastLine: number) {
    this.text = text;
    this.firstLine = pieces[0]!.line;
    this.lastLine = lastLine;
    this.#pieces = pieces;
  }

  range(offset: number, length: number): Range {
    return { start: this.#position(offset, false), end: this.#position(offset + length, true) };
  }

  /** `after`: the end of what stands before, where a piece ends and the next begins. */
  #position(offset: number, after: boolean): Position {
    const piece = this.#pieces[this.#pieceAt(after ? offset - 1 : offset)]!;
    return { line: piece.line, column: piece.column + offset - piece.offset };
  }

  /** The last piece that begins there or before: a search by halves, as an instruction may have thousands of lines. */
  #pieceAt(offset: number): number {
    let [low, high] = [0, this.#pieces.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#pieces[middle]!.offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * Joins the instruction that starts at `first` with its continuation lines: comment lines between them are left out,
 * empty ones too (a build check tells of those). Returns undefined when there is nothing but empty lines and comments.
 */
export function readLogicalLine(
  source: SourceText,
  first: number,
  escape: string,
): LogicalLine | undefined {
  const start = source.line(first);
  if (isBlank(start) || isComment(start)) {
    return undefined;
  }
  const pieces: Piece[] = [];
  let text = "";
  let last = first;
  let continued = true;
  for (let number = first; continued && number <= source.rawLines.length; number += 1) {
    const line = source.line(number);
    last = number;
    if (number > first && (isComment(line) || isBlank(line))) {
      continue;
    }
    const indent = text === "" ? line.length - line.trimStart().length : 0;
    const end = continuationEnd(line, escape);
    const part = line.slice(indent, end);
    if (part !== "") {
      pieces.push({ offset: text.length, line: number, column: indent + 1 });
      text += part;
    }
    continued = end !== undefined;
  }
  return text === "" ? undefined : new LogicalLine(text, pieces, last);
}

/** Where a line's text ends when its last character but spaces is a single escape character. */
function continuationEnd(line: string, escape: string): number | undefined {
  const trimmed = trimBlanks(line);
  const continues = trimmed.endsWith(escape) && !trimmed.endsWith(escape + escape);
  return continues ? trimmed.length - 1 : undefined;
}

/** Without spaces and tabs at its end. (A regular expression would look at each run of them inside the line again and again.) */
export function trimBlanks(line: string): string {
  let end = line.length;
  while (line[end - 1] === " " || line[end - 1] === "\t") end -= 1;
  return line.slice(0, end);
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith("#");
}
