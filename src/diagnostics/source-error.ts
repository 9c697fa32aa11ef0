import { Failure } from "../base/failure.ts";
import type { Range, SourceText } from "./source-text.ts";

export interface SourceErrorOptions {
  readonly cause?: unknown;
  readonly hint?: string;
  /** A second place that matters: where a name was defined before, which line uses a stage. */
  readonly related?: Related;
}

/** A place that explains another. */
export interface Related {
  readonly range: Range;
  readonly message: string;
}

/** A mistake in a text that the user wrote. Its message is `file:line:column: problem` with the line and a caret below it. */
export abstract class SourceError extends Failure {
  /** What is wrong, without the place. */
  readonly problem: string;
  readonly file: string;
  readonly range: Range;
  readonly related: Related | undefined;

  constructor(source: SourceText, range: Range, problem: string, options: SourceErrorOptions = {}) {
    const related =
      options.related === undefined
        ? []
        : [describe(source, options.related.range, options.related.message)];
    super([describe(source, range, problem), ...related].join("\n"), options);
    this.problem = problem;
    this.file = source.name;
    this.range = range;
    this.related = options.related;
  }
}

/** `file:line:column: problem` with the line and carets below it. */
export function describe(source: SourceText, range: Range, problem: string): string {
  const { line, column } = range.start;
  return `${source.name}:${line}:${column}: ${problem}\n${excerpt(source, range)}`;
}

const SHOWN_AFTER = 120;

/** The first line of a range with carets below it; tabs are kept, so that the carets stand where the eye looks. */
export function excerpt(source: SourceText, range: Range): string {
  const { start, end } = range;
  const text = printable(source.line(start.line), start.column + SHOWN_AFTER);
  const number = `${start.line}`;
  const wanted = end.line === start.line ? end.column : text.length + 1;
  const stop = Math.min(wanted, text.trimEnd().length + 1);
  const indent = text.slice(0, start.column - 1).replace(/[^\t]/g, " ");
  const carets = "^".repeat(Math.max(1, stop - start.column));
  return `  ${number} | ${text}\n  ${" ".repeat(number.length)} | ${indent}${carets}`;
}

/** What a terminal may be shown of a line: no control characters, and not all of a very long one. */
function printable(line: string, most: number): string {
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  const clean = line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
  return clean.length > most ? `${clean.slice(0, most)}…` : clean;
}
