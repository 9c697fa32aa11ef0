import type { SourceErrorOptions } from "../../diagnostics/source-error.ts";
import type { Range, SourceText } from "../../diagnostics/source-text.ts";
import { DockerfileError, type DockerfileErrorCode } from "../dockerfile-error.ts";
import type { HereDoc } from "./here-doc.ts";
import type { LogicalLine } from "./logical-line.ts";
import { endOfSpaces, endOfWord } from "./spaces.ts";

/** A piece of an instruction and where it begins in the logical line. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** `--name=value` before the arguments; `length` covers all of it. */
export interface Flag {
  readonly name: string;
  readonly value: string | undefined;
  readonly offset: number;
  readonly length: number;
}

/** An instruction split into keyword, flags and the rest: nothing is known yet about what they mean. */
export interface Statement {
  readonly source: SourceText;
  readonly escape: string;
  /** Upper case. */
  readonly keyword: string;
  readonly line: LogicalLine;
  readonly flags: readonly Flag[];
  /** What follows the flags, without spaces at its ends. */
  readonly rest: Word;
  readonly hereDocs: readonly HereDoc[];
  /** The last line of it, here-documents included. */
  readonly lastLine: number;
}

/** An error at a word or flag of a statement; without one, at its keyword. */
export function errorAt(
  statement: Statement,
  at: Word | Flag | undefined,
  code: DockerfileErrorCode,
  problem: string,
  options: SourceErrorOptions = {},
): DockerfileError {
  return new DockerfileError(code, statement.source, rangeOf(statement, at), problem, options);
}

/** Where a word, a flag or the keyword stands in the file. */
export function rangeOf(statement: Statement, at?: Word | Flag): Range {
  if (at === undefined) {
    return statement.line.range(0, statement.keyword.length);
  }
  return statement.line.range(at.offset, "length" in at ? at.length : at.text.length);
}

/** The value of a flag and where it begins: at the flag itself when quotes or escapes make it look different in the file. */
export function valueOf({ line }: Statement, { value = "", offset, length }: Flag): Word {
  const written = line.text.slice(offset, offset + length);
  const at = written.indexOf("=") + 1;
  return { text: value, offset: written.slice(at) === value ? offset + at : offset };
}

const NONE: readonly [] = [];

/** Splits `KEYWORD --flag=value … rest`. */
export function splitStatement(
  source: SourceText,
  line: LogicalLine,
  escape: string,
): Statement {
  const { text } = line;
  const keyword = text.slice(0, endOfWord(text, 0));
  let at = endOfSpaces(text, keyword.length);
  const flags: readonly Flag[] = text.startsWith("--", at) ? readFlagsFrom(text, at, escape) : NONE;
  const last = flags.at(-1);
  at = last === undefined ? at : endOfSpaces(text, last.offset + last.length);
  if (text.startsWith("--", at) && endOfWord(text, at) === at + 2) {
    at = endOfSpaces(text, at + 2);
  }
  return {
    source,
    escape,
    keyword: keyword.toUpperCase(),
    line,
    flags,
    rest: { text: text.slice(at).trimEnd(), offset: at },
    hereDocs: NONE,
    lastLine: line.lastLine,
  };
}

/** The flags up to the first word that is none, or a `--` alone. */
function readFlagsFrom(text: string, from: number, escape: string): readonly Flag[] {
  const flags: Flag[] = [];
  for (let at = from; text.startsWith("--", at); ) {
    const end = flagEnd(text, at, escape);
    const length = end.offset - at;
    if (length === 2) {
      break;
    }
    const equals = end.text.indexOf("=");
    flags.push({
      name: equals < 0 ? end.text.slice(2) : end.text.slice(2, equals),
      value: equals < 0 ? undefined : end.text.slice(equals + 1),
      offset: at,
      length,
    });
    at = endOfSpaces(text, end.offset);
  }
  return flags;
}

/** Reads a flag up to the next space that is not quoted; quotes and escapes are taken off. */
function flagEnd(text: string, from: number, escape: string): Word {
  const end = endOfWord(text, from);
  const word = text.slice(from, end);
  if (!word.includes('"') && !word.includes("'") && !word.includes(escape)) {
    return { text: word, offset: end };
  }
  let taken = "";
  let quote: string | undefined;
  let at = from;
  for (; at < text.length; at += 1) {
    const char = text[at]!;
    if (quote === undefined && /\s/.test(char)) {
      break;
    }
    if (char === escape && at + 1 < text.length) {
      at += 1;
      taken += text[at]!;
    } else if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
    } else {
      taken += char;
    }
  }
  return { text: taken, offset: at };
}
