import type { Range } from "../../diagnostics/source-text.ts";
import { rangeOf, type Flag, type Statement, type Word } from "../parse/statement.ts";
import type { Visit } from "./walk.ts";

/** Text in place of a range. */
export interface Edit {
  readonly range: Range;
  readonly text: string;
}

/** A change that mends a finding and does no harm. */
export interface Fix {
  /** What it does, to a person: `write the keyword in upper case`. */
  readonly summary: string;
  readonly edits: readonly Edit[];
  /** The image's config is other than before, on purpose; without it a fix that changes what the Dockerfile means is not made. */
  readonly changesMeaning?: true;
}

/** What a rule found, before it is known whose rule it is. */
export interface Finding {
  /** BuildKit's words. */
  readonly message: string;
  /** The lines that BuildKit names. */
  readonly lines: { readonly first: number; readonly last: number };
  /** The very place, for people. */
  readonly range: Range;
  readonly related?: { readonly range: Range; readonly message: string };
  readonly fix?: Fix;
}

interface More {
  readonly related?: Finding["related"] | undefined;
  readonly fix?: Fix | undefined;
}

/** A finding about a statement: at a word or flag of it, else at its keyword. */
export function findingAt(
  statement: Statement,
  at: Word | Flag | undefined,
  message: string,
  { related, fix }: More = {},
): Finding {
  return {
    message,
    lines: linesOf(statement),
    range: rangeOf(statement, at),
    ...(related === undefined ? {} : { related }),
    ...(fix === undefined ? {} : { fix }),
  };
}

/** As {@link findingAt} for an instruction of a walk: one that an ONBUILD holds is told at the FROM that runs it, and is not mended there. */
export function findingIn(
  visit: Visit,
  at: Word | Flag | undefined,
  message: string,
  more: More = {},
): Finding {
  const { trigger } = visit;
  if (trigger === undefined) {
    return findingAt(visit.instruction.statement, at, message, more);
  }
  const related =
    trigger.onbuild === undefined
      ? undefined
      : { range: rangeOf(trigger.onbuild), message: "the ONBUILD that it runs" };
  return findingAt(trigger.from.statement, trigger.from.base, message, { related });
}

/** First and last line of a statement, here-documents included. */
export function linesOf(statement: Statement): Finding["lines"] {
  return { first: statement.line.firstLine, last: statement.lastLine };
}

/** The keyword as it is written. */
export function writtenKeyword(statement: Statement): string {
  return statement.line.text.slice(0, statement.keyword.length);
}

/** An edit of a piece of a statement. */
export function replace(statement: Statement, at: Word | Flag | undefined, text: string): Edit {
  return { range: rangeOf(statement, at), text };
}
