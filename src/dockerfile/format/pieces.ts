import type { Dockerfile, Instruction } from "../parse/instruction.ts";
import type { Statement, Word } from "../parse/statement.ts";
import { parseJsonForm, splitAtSpaces, splitQuoted } from "../parse/words.ts";

/** A stretch of an instruction that stays together. Between two of them stands what means nothing. */
export interface Piece {
  /** Where it is in the logical line. */
  readonly offset: number;
  readonly length: number;
  /** What is written in its place; without it, it stays as it is, line ends and all. */
  readonly text?: string;
}

/** What an instruction is made of. Whatever a shell or an image will see is one piece, as its spaces count. */
export function piecesOf(instruction: Instruction): readonly Piece[] {
  const { statement } = instruction;
  return [...headOf(statement), ...argumentsOf(instruction)];
}

/** All instructions of a Dockerfile, in order. */
export function instructionsOf({ globals, stages }: Dockerfile): readonly Instruction[] {
  return [...globals, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])];
}

/** The keyword, the flags, and a `--` that ends them. */
function headOf({ keyword, flags, line, rest }: Statement): Piece[] {
  const head: Piece[] = [{ offset: 0, length: keyword.length, text: keyword }];
  head.push(...flags.map(({ offset, length }) => ({ offset, length })));
  const last = head.at(-1)!;
  const end = last.offset + last.length;
  const between = line.text.slice(end, rest.offset);
  return between.trim() === "" ? head : [...head, { offset: end + between.indexOf("--"), length: 2 }];
}

function argumentsOf(instruction: Instruction): Piece[] {
  const { statement } = instruction;
  const { rest, escape } = statement;
  switch (instruction.kind) {
    case "FROM":
      return splitAtSpaces(rest).map((word, place) => (place === 1 ? written(word, "AS") : asIs(word)));
    case "ARG":
      return splitQuoted(rest, escape).map(asIs);
    case "ENV":
    case "LABEL":
      return pairs(rest, escape);
    case "EXPOSE":
      return splitAtSpaces(rest).map(asIs);
    case "COPY":
    case "ADD":
      return statement.hereDocs.length > 0 ? whole(rest) : list(rest);
    case "VOLUME":
      return list(rest);
    case "RUN":
    case "CMD":
    case "ENTRYPOINT":
    case "SHELL":
      return command(rest);
    case "HEALTHCHECK":
      return healthcheck(rest);
    default:
      return whole(rest);
  }
}

/** `name=value` each by itself; the old form's value is what stands behind the name. */
function pairs(rest: Word, escape: string): Piece[] {
  const words = splitQuoted(rest, escape);
  if (words[0]!.text.includes("=")) {
    return words.map(asIs);
  }
  const [, name = "", gap = ""] = /^(\S+)(\s+)/.exec(rest.text)!;
  return [
    { offset: rest.offset, length: name.length },
    ...whole(after(rest, name.length + gap.length)),
  ];
}

function list(rest: Word): Piece[] {
  return parseJsonForm(rest.text) === undefined ? splitAtSpaces(rest).map(asIs) : command(rest);
}

function command(rest: Word): Piece[] {
  return parseJsonForm(rest.text) === undefined ? whole(rest) : [written(rest, spaced(rest.text))];
}

function healthcheck(rest: Word): Piece[] {
  const [, type = "", gap = ""] = /^(\S*)(\s*)/.exec(rest.text)!;
  const test = after(rest, type.length + gap.length);
  return [
    { offset: rest.offset, length: type.length, text: type.toUpperCase() },
    ...(test.text === "" ? [] : command(test)),
  ];
}

/** A list of strings in JSON with one space after each comma; the strings as they are written. */
function spaced(json: string): string {
  const strings = json.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  return `[${strings.join(", ")}]`;
}

function whole({ offset, text }: Word): Piece[] {
  return text === "" ? [] : [{ offset, length: text.length }];
}

function asIs({ offset, text }: Word): Piece {
  return { offset, length: text.length };
}

function written({ offset, text: { length } }: Word, text: string): Piece {
  return { offset, length, text };
}

function after({ text, offset }: Word, length: number): Word {
  return { text: text.slice(length), offset: offset + length };
}
