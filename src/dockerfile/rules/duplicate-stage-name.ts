import { splitAtSpaces } from "../parse/words.ts";
import type { FromInstruction } from "../parse/instruction.ts";
import { rangeOf } from "../parse/statement.ts";
import { findingAt } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const duplicateStageName: Rule = {
  name: "DuplicateStageName",
  description: "Stage names should be unique",
  *check({ dockerfile }) {
    const first = new Map<string, FromInstruction>();
    for (const { from, name } of dockerfile.stages) {
      if (name === undefined) {
        continue;
      }
      const before = first.get(name);
      if (before === undefined) {
        first.set(name, from);
        continue;
      }
      const range = rangeOf(before.statement, nameWord(before));
      yield findingAt(
        from.statement,
        nameWord(from),
        `Duplicate stage name "${name}", stage names should be unique`,
        { related: { range, message: "the first stage of this name" } },
      );
    }
  },
};

function nameWord(from: FromInstruction) {
  return splitAtSpaces(from.statement.rest)[2];
}
