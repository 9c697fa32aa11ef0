import { findingAt } from "./finding.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";
import { suggest } from "./suggest.ts";

export const undefinedArgInFrom: Rule = {
  name: "UndefinedArgInFrom",
  description: "FROM command must use declared ARGs",
  *check({ dockerfile, globals }) {
    for (const { from } of dockerfile.stages) {
      const { statement, base, platform } = from;
      for (const [at, text] of [
        [base, base.text],
        [platform, platform?.value ?? ""],
      ] as const) {
        const { unmatched } = expandNoting(
          text,
          (name) => globals.values.get(name),
          statement.escape,
        );
        for (const name of unmatched.filter((one) => !globals.names.has(one))) {
          const near = suggest(name, globals.names);
          const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
          yield findingAt(statement, at, `FROM argument '${name}' is not declared${hint}`);
        }
      }
    }
  },
};
