import type { StageInstruction } from "../parse/instruction.ts";
import type { Word } from "../parse/statement.ts";
import { findingIn } from "./finding.ts";
import type { Rule } from "./rule.ts";
import { expandNoting } from "./noted-expansion.ts";
import { walk } from "./walk.ts";

const SECRET = word("apikey|auth|credential|credentials|key|password|pword|passwd|secret|token");
const HARMLESS = word("public");

export const secretsUsedInArgOrEnv: Rule = {
  name: "SecretsUsedInArgOrEnv",
  description: "Sensitive data should not be used in the ARG or ENV commands",
  *check(subject) {
    for (const visit of walk(subject)) {
      for (const { name, at } of named(visit.instruction, visit.scope.lookup)) {
        if (SECRET.test(name) && !HARMLESS.test(name)) {
          yield findingIn(
            visit,
            at,
            `Do not use ARG or ENV instructions for sensitive data (${visit.instruction.kind} "${name}")`,
          );
        }
      }
    }
  },
};

/** One of the words, between underscores or at an end. */
function word(words: string): RegExp {
  return new RegExp(`(?:_|^)(?:${words})(?:_|$)`, "i");
}

function named(
  instruction: StageInstruction,
  lookup: (name: string) => string | undefined,
): readonly { readonly name: string; readonly at: Word }[] {
  const { statement } = instruction;
  if (instruction.kind === "ENV") {
    return instruction.pairs.map(({ key }) => ({
      name: expandNoting(key.text, lookup, statement.escape).text ?? "",
      at: key,
    }));
  }
  if (instruction.kind !== "ARG") {
    return [];
  }
  return instruction.args.map(({ name, value }) => ({
    name,
    at: {
      text: name,
      offset: value === undefined ? placeOf(statement.rest, name) : value.offset - name.length - 1,
    },
  }));
}

/** Where a name without a value stands. */
function placeOf(rest: Word, name: string): number {
  const words = [...rest.text.matchAll(/\S+/g)];
  return rest.offset + (words.find(([text]) => text === name)?.index ?? 0);
}
