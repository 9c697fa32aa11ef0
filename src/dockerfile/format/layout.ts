import type { Position, SourceText } from "../../diagnostics/source-text.ts";
import { trimBlanks } from "../parse/logical-line.ts";
import type { Statement } from "../parse/statement.ts";
import type { Piece } from "./pieces.ts";

const INDENT = "    ";

/**
 * Prints an instruction piece by piece: one space between pieces of a line, four before one that begins a line. Lines
 * end where they ended before; comments between them stay, empty lines (which mean nothing there) do not.
 */
export function layOut(statement: Statement, pieces: readonly Piece[]): LaidOut {
  const { source, line, escape, hereDocs, lastLine } = statement;
  const lines: string[] = [];
  let current = "";
  let end: Position | undefined;
  for (const piece of pieces) {
    const range = line.range(piece.offset, piece.length);
    if (end !== undefined && range.start.line === end.line) {
      current += " ";
    } else if (end !== undefined) {
      lines.push(`${current} ${escape}`, ...comments(source, end.line, range.start.line).map((text) => INDENT + text));
      current = INDENT;
    }
    const [first = "", ...more] = fits(piece, range) ? [piece.text] : verbatim(statement, range);
    current += first;
    if (more.length > 0) {
      lines.push(current, ...more.slice(0, -1));
      current = more.at(-1)!;
    }
    end = range.end;
  }
  if (current.endsWith(escape)) {
    // Only a space that is none to a continuation (U+00A0) can stand behind it: the line would go on without.
    current += source.line(end!.line).slice(end!.column - 1);
  }
  return {
    lines: [...lines, current],
    documents: hereDocs.length === 0 ? [] : source.rawLines.slice(hereDocs[0]!.firstLine - 1, lastLine),
    // Only at the end of the file does an instruction end without a line of its own.
    rest: comments(source, end!.line, line.lastLine + 1),
  };
}

export interface LaidOut {
  readonly lines: readonly string[];
  /** The lines of here-documents, as they are in the file. */
  readonly documents: readonly string[];
  /** Comments after a last line that would go on. */
  readonly rest: readonly string[];
}

/** A new text is for a piece that stands in one line. */
function fits(piece: Piece, { start, end }: Range): piece is Required<Piece> {
  return piece.text !== undefined && start.line === end.line;
}

type Range = { readonly start: Position; readonly end: Position };

/** A stretch of lines as they are written, but for spaces behind the escape character and lines that are empty. */
function verbatim({ source }: Statement, { start, end }: Range): string[] {
  const found: string[] = [];
  for (let number = start.line; number <= end.line; number += 1) {
    const text = source.line(number);
    const from = number === start.line ? start.column - 1 : 0;
    if (number === end.line) {
      found.push(text.slice(from, end.column - 1));
    } else if (number === start.line || text.trim() !== "") {
      found.push(trimBlanks(text.slice(from)));
    }
  }
  return found;
}

/** The comment lines between two lines, without the spaces around them. */
function comments(source: SourceText, after: number, before: number): string[] {
  const found: string[] = [];
  for (let number = after + 1; number < before; number += 1) {
    const text = source.line(number).trim();
    if (isComment(text)) found.push(text);
  }
  return found;
}

function isComment(text: string): boolean {
  return text.trimStart().startsWith("#");
}
