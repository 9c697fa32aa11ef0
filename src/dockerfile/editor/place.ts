import { rangeOf, type Flag, type Statement, type Word } from "../parse/statement.ts";
import { splitAtSpaces } from "../parse/words.ts";
import type { Range } from "../../diagnostics/source-text.ts";
import type { Cursor } from "./loose.ts";

/** What stands at a place of an instruction. */
export type Place =
  | { readonly kind: "keyword"; readonly name: string; readonly range: Range }
  | { readonly kind: "flag"; readonly flag: Flag; readonly range: Range }
  /** An option of a `--mount`: `value` is undefined for one that stands alone. */
  | { readonly kind: "option"; readonly name: string; readonly value: string | undefined; readonly range: Range }
  | { readonly kind: "variable"; readonly name: string; readonly range: Range }
  | { readonly kind: "word"; readonly text: string; readonly index: number; readonly range: Range };

/** What stands at the cursor; undefined between words. */
export function placeAt({ statement, offset }: Cursor): Place | undefined {
  const { keyword, line, flags, rest } = statement;
  if (offset <= keyword.length) {
    return { kind: "keyword", name: keyword, range: rangeOf(statement) };
  }
  const variable = variableAt(statement, offset);
  if (variable !== undefined) {
    return variable;
  }
  const flag = flags.find((one) => one.offset <= offset && offset <= one.offset + one.length);
  if (flag !== undefined) {
    return optionAt(statement, flag, offset) ?? { kind: "flag", flag, range: rangeOf(statement, flag) };
  }
  const words = splitAtSpaces(rest);
  const index = words.findIndex((word) => word.offset <= offset && offset <= word.offset + word.text.length);
  const word = words[index];
  if (word === undefined) {
    return undefined;
  }
  const isKeyword = index === 0 && (keyword === "ONBUILD" || keyword === "HEALTHCHECK");
  const range = line.range(word.offset, word.text.length);
  return isKeyword ? { kind: "keyword", name: word.text.toUpperCase(), range } : { kind: "word", text: word.text, index, range };
}

function variableAt({ line }: Statement, offset: number): Place | undefined {
  for (const match of line.text.matchAll(/\$(?:\{(\w+)[^}]*\}?|(\w+))/g)) {
    const name = match[1] ?? match[2]!;
    if (match.index <= offset && offset <= match.index + match[0].length) {
      return { kind: "variable", name, range: line.range(match.index, match[0].length) };
    }
  }
  return undefined;
}

function optionAt(statement: Statement, flag: Flag, offset: number): Place | undefined {
  if (flag.name !== "mount") {
    return undefined;
  }
  const written = statement.line.text.slice(flag.offset, flag.offset + flag.length);
  const first = "--mount=".length;
  for (const match of written.slice(first).matchAll(/[^,]+/g)) {
    const word: Word = { text: match[0], offset: flag.offset + first + match.index };
    if (word.offset <= offset && offset <= word.offset + word.text.length) {
      const [name = "", value] = word.text.split("=");
      return { kind: "option", name: name.toLowerCase(), value, range: rangeOf(statement, word) };
    }
  }
  return undefined;
}
