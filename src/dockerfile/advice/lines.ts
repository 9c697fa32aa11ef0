import type { CopyInstruction, Dockerfile, RunInstruction, Stage, StageInstruction } from "../parse/instruction.ts";
import { parseDockerfile } from "../parse/parse.ts";
import type { Surveyed } from "./proposal.ts";

/** Where an instruction is looked for: its stage, what it is, and its words after the flags. */
export interface Place {
  readonly stage: number;
  readonly keyword: string;
  readonly words: string;
}

export function placeOf(stage: Stage, { statement }: StageInstruction): Place {
  return { stage: stage.index, keyword: statement.keyword, words: statement.rest.text };
}

/** A Dockerfile's lines, instruction by instruction, to be put into another order. */
export class Lines {
  readonly dockerfile: Dockerfile;
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.dockerfile = parseDockerfile(text, "Dockerfile");
    this.#lines = text.split("\n");
  }

  /** The instruction of a place; undefined where it is there no more, or more than once. */
  find(place: Place): StageInstruction | undefined {
    const found = this.dockerfile.stages[place.stage]?.instructions.filter(({ statement }) => statement.keyword === place.keyword && statement.rest.text === place.words) ?? [];
    return found.length === 1 ? found[0] : undefined;
  }

  /** An instruction as it is written, here-documents included, with the comments right above it. */
  written(instruction: StageInstruction): readonly string[] {
    return this.#lines.slice(this.#first(instruction) - 1, instruction.statement.lastLine);
  }

  /** The text with instructions taken out and others put in, before or after one that stays or goes. */
  with(changes: { readonly without: readonly StageInstruction[]; readonly put: readonly { readonly lines: readonly string[]; readonly before?: StageInstruction; readonly after?: StageInstruction }[] }): string {
    const gone = new Set(changes.without.flatMap((one) => range(this.#first(one), one.statement.lastLine)));
    const ending = this.#lines[0]!.endsWith("\r") ? "\r" : "";
    const put = (lines: readonly string[]): string[] => lines.map((line) => (line.endsWith(ending) ? line : `${line}${ending}`));
    const at = (line: number): readonly string[] => changes.put.filter(({ before, after }) => (before === undefined ? after!.statement.lastLine + 1 : this.#first(before)) === line).flatMap(({ lines }) => put(lines));
    const numbers = range(1, this.#lines.length + 1);
    return numbers.flatMap((number) => [...at(number), ...(gone.has(number) || number > this.#lines.length ? [] : [this.#lines[number - 1]!])]).join("\n");
  }

  #first({ statement }: StageInstruction): number {
    let first = statement.line.firstLine;
    while (/^\s*#(?!\s*(?:syntax|escape|check)\s*=)/.test(this.#lines[first - 2] ?? "")) first -= 1;
    return first;
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}

/** The words of a RUN in the shell's form, without here-documents. */
export function shellText(instruction: StageInstruction): string | undefined {
  return instruction.kind === "RUN" && instruction.command.form === "shell" && instruction.statement.hereDocs.length === 0 ? instruction.command.text : undefined;
}

/** A COPY or ADD of files of the main context. */
export function isContextCopy(instruction: StageInstruction): instruction is CopyInstruction {
  return (instruction.kind === "COPY" || instruction.kind === "ADD") && instruction.from === undefined && instruction.hereDocs.length === 0 && instruction.sources.every(({ text }) => !/^[a-z]+:\/\/|^git@/.test(text));
}

/** The flags of an instruction as they are written, with a space behind each. */
export function writtenFlags({ statement: { line, flags } }: CopyInstruction | RunInstruction): string {
  return flags.map(({ offset, length }) => `${line.text.slice(offset, offset + length)} `).join("");
}

/** Names at the top of what a COPY takes whole. */
export interface Parts {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/** More lines than that in the place of one are no longer read by people. */
const MOST_LINES = 6;

/** The tops of paths below a directory of the context, as far as they are there; undefined where they are too many, or one cannot be written. */
export function partsOf(paths: readonly string[], below: string, { find, has }: Pick<Surveyed, "find" | "has">): Parts | undefined {
  const tops = [...new Set(paths.map((path) => path.split("/")[0]!))].filter((name) => has(`${below}${name}`)).sort();
  const plain = new Set(find(/^/));
  const [files, directories] = [tops.filter((name) => plain.has(`${below}${name}`)), tops.filter((name) => !plain.has(`${below}${name}`))];
  return directories.length + 1 > MOST_LINES || tops.some((name) => /[\s$"'\\*?[]/.test(name)) ? undefined : { files, directories };
}

/** A COPY, and parts of what it takes in its stead: the files in one line, each directory in one of its own. */
export function copyLines(copy: CopyInstruction, below: string, { files, directories }: Parts): string[] {
  const to = copy.destination.text.replace(/\/*$/, "/");
  const start = `${copy.statement.keyword} ${writtenFlags(copy)}`;
  return [...(files.length === 0 ? [] : [`${start}${files.map((name) => `${below}${name}`).join(" ")} ${to}`]), ...directories.map((name) => `${start}${below}${name} ${to}${name}`)];
}

/** The directory of the context that a COPY takes whole: "" for all of it. */
export function wholeDirectory({ sources }: CopyInstruction): string | undefined {
  const [only] = sources;
  if (sources.length !== 1 || only === undefined || /[$*?[]/.test(only.text)) return undefined;
  return only.text.replace(/^\.?\/+/, "").replace(/\/+$/, "").replace(/^\.$/, "");
}

/** A directory as the beginning of the paths in it. */
export function beginning(directory: string): string {
  return directory === "" ? "" : `${directory}/`;
}
