import { expandWord, ExpansionError } from "../expand/expand.ts";
import type { Dockerfile, Instruction } from "../parse/instruction.ts";
import type { HereDoc } from "../parse/here-doc.ts";
import type { MountField } from "../parse/mount.ts";
import type { Flag, Word } from "../parse/statement.ts";

/**
 * What a Dockerfile says, without how it is written: two texts with the same meaning build the same image. Used to
 * prove a fix harmless, so it may tell texts apart that are the same, and never the other way round.
 */
export function meaningOf({ globals, stages, escape }: Dockerfile): string {
  const instructions = [
    ...globals,
    ...stages.flatMap(({ from, instructions: own }) => [from, ...own]),
  ];
  return JSON.stringify(instructions.map((instruction) => said(instruction, escape)));
}

function said(instruction: Instruction, escape: string): unknown {
  const { statement, ...meaning } = instruction;
  if (instruction.kind === "ENV" || instruction.kind === "LABEL") {
    const pairs = instruction.pairs.map(({ key, value }) =>
      [key, value].map(({ text }) => values(text, escape)),
    );
    return [instruction.kind, pairs];
  }
  if (instruction.kind === "EXPOSE") {
    return [instruction.kind, instruction.values.map(({ text }) => exposed(text))];
  }
  const flags = statement.flags.map(({ name, value }) => [name, value]);
  return [plain(meaning), flags, plain(statement.hereDocs)];
}

/** A word as it is expanded with all variables set, and with none. */
function values(text: string, escape: string): readonly string[] {
  return [(name: string) => `\u0000${name}\u0000`, () => undefined].map((lookup) => {
    try {
      return expandWord(text, lookup, { escape });
    } catch (error) {
      if (error instanceof ExpansionError) {
        return text;
      }
      throw error;
    }
  });
}

/** A port and its protocol: what stands before the last colon is not used, and letters of a protocol are all one. */
function exposed(text: string): string {
  return text.includes("$") ? text : text.slice(text.lastIndexOf(":") + 1).toLowerCase();
}

/** Places taken out of words and flags. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const entries = Object.entries(value).filter(([name]) => !PLACES.has(name));
  return Object.fromEntries(entries.map(([name, one]) => [name, plain(one)]));
}

const PLACES: ReadonlySet<string> = new Set<keyof Word | keyof Flag | keyof HereDoc | keyof MountField | "statement">([
  "offset",
  "length",
  "firstLine",
  "at",
  "statement",
]);
