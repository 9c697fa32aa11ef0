import { nearest } from "../../base/nearest.ts";
import type { Related, SourceErrorOptions } from "../../diagnostics/source-error.ts";
import { expandWord, type Lookup } from "../expand/expand.ts";
import type { ArgInstruction, Dockerfile } from "../parse/instruction.ts";
import { rangeOf, type Statement, type Word } from "../parse/statement.ts";

/** What a FROM can see: ARGs before the first FROM, and platform arguments. */
export interface Arguments {
  readonly lookup: Lookup;
  /** All that have a value. */
  readonly names: Iterable<string>;
}

const HINT = "an ARG for FROM stands before the first FROM, and needs a default or a --build-arg";

/** Why a word of FROM comes to nothing or to too little: its variable is written wrongly, declared elsewhere, or has no default. */
export function whyBlank(
  dockerfile: Dockerfile,
  statement: Statement,
  word: Word,
  { lookup, names }: Arguments,
): SourceErrorOptions {
  const name = unsetNames(word.text, statement.escape, lookup)[0];
  if (name === undefined) {
    return {};
  }
  const related = declaration(dockerfile, name);
  if (related !== undefined) {
    return { hint: HINT, related };
  }
  const near = nearest(name, names);
  return { hint: near === undefined ? HINT : `did you mean $${near}?` };
}

function unsetNames(text: string, escape: string, lookup: Lookup): string[] {
  const unset: string[] = [];
  expandWord(
    text,
    (name) => {
      const value = lookup(name);
      if (value === undefined || value === "") unset.push(name);
      return value;
    },
    { escape },
  );
  return unset;
}

/** The ARG of that name, in whichever place it is. */
function declaration({ globals, stages }: Dockerfile, name: string): Related | undefined {
  const has = ({ args }: ArgInstruction): boolean => args.some((arg) => arg.name === name);
  const global = globals.findLast(has);
  if (global !== undefined) {
    return { range: rangeOf(global.statement), message: `${name} has no value here` };
  }
  const own = stages
    .flatMap(({ instructions }) => instructions)
    .find((one) => one.kind === "ARG" && has(one));
  return own === undefined
    ? undefined
    : { range: rangeOf(own.statement), message: `this ${name} is for its own stage` };
}
