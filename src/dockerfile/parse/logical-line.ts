import type { Position, Range, SourceText } from "../../diagnostics/source-text.ts";
import { endOfSpaces } from "./spaces.ts";

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
  readonly #source: SourceText;
  readonly #escape: string;
  /** Made when somebody asks for a place: nobody does, of most lines. */
  #pieces: readonly Piece[] | undefined;

  constructor(source: SourceText, escape: string, lines: { readonly text: string; readonly first: number; readonly last: number }) {
    this.text = lines.text;
    this.firstLine = lines.first;
    this.lastLine = lines.last;
    this.#source = source;
    this.#escape = escape;
  }

  range(offset: number, length: number): Range {
    return { start: this.#position(offset, false), end: this.#position(offset + length, true) };
  }

  /** The other way round: the place in the text that is at a position, or the nearest before. */
  offsetOf({ line, column }: Position): number {
    const pieces = this.#join();
    const at = pieces.findLastIndex((piece) => piece.line <= line);
    const piece = pieces[at] ?? pieces[0]!;
    const end = pieces[at + 1]?.offset ?? this.text.length;
    const offset = piece.line === line ? piece.offset + Math.max(0, column - piece.column) : end;
    return Math.min(offset, end);
  }

  /** `after`: the end of what stands before, where a piece ends and the next begins. */
  #position(offset: number, after: boolean): Position {
    const pieces = this.#join();
    const piece = pieces[pieceAt(pieces, after ? offset - 1 : offset)]!;
    return { line: piece.line, column: piece.column + offset - piece.offset };
  }

  #join(): readonly Piece[] {
    if (this.#pieces === undefined) {
      const pieces: Piece[] = [];
      join(this.#source, this.firstLine, this.#escape, pieces);
      this.#pieces = pieces;
    }
    return this.#pieces;
  }
}

/** The last piece that begins there or before: a search by halves, as an instruction may have thousands of lines. */
function pieceAt(pieces: readonly Piece[], offset: number): number {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pieces[middle]!.offset <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
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
  const visible = endOfSpaces(start, 0);
  if (visible === start.length || start[visible] === "#") {
    return undefined;
  }
  if (continuationEnd(start, escape) === undefined) {
    return new LogicalLine(source, escape, { text: start.slice(visible), first, last: first });
  }
  const joined = join(source, first, escape);
  return joined.text === "" ? undefined : new LogicalLine(source, escape, joined);
}

interface Joined {
  readonly text: string;
  /** Where the text begins: not where there are but spaces before the escape character. */
  readonly first: number;
  readonly last: number;
}

/** Joins lines, and notes in `pieces` where what stands. */
function join(source: SourceText, from: number, escape: string, pieces?: Piece[]): Joined {
  let text = "";
  let first = from;
  let last = from;
  let continued = true;
  for (let number = from; continued && number <= source.rawLines.length; number += 1) {
    const line = source.line(number);
    last = number;
    const visible = endOfSpaces(line, 0);
    if (number > from && (visible === line.length || line[visible] === "#")) {
      continue;
    }
    const indent = text === "" ? visible : 0;
    const end = continuationEnd(line, escape);
    const part = line.slice(indent, end);
    if (part !== "") {
      first = text === "" ? number : first;
      pieces?.push({ offset: text.length, line: number, column: indent + 1 });
      text += part;
    }
    continued = end !== undefined;
  }
  return { text, first, last };
}

/** Where a line's text ends when its last character but spaces is a single escape character. */
function continuationEnd(line: string, escape: string): number | undefined {
  const end = endOfText(line);
  const continues = line[end - 1] === escape && line[end - 2] !== escape;
  return continues ? end - 1 : undefined;
}

/** Without spaces and tabs at its end. */
export function trimBlanks(line: string): string {
  return line.slice(0, endOfText(line));
}

/** Where spaces and tabs at the end begin. (A regular expression would look at each run of them inside the line again and again.) */
function endOfText(line: string): number {
  let end = line.length;
  while (line[end - 1] === " " || line[end - 1] === "\t") end -= 1;
  return end;
}
