import { exposed } from "./exposed.ts";
import { findingIn, replace } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const exposeProtoCasing: Rule = {
  name: "ExposeProtoCasing",
  description: "Protocol in EXPOSE instruction should be lowercase",
  *check(subject) {
    for (const { visit, word, spec, protocol } of exposed(subject)) {
      const lower = protocol.toLowerCase();
      if (protocol !== lower) {
        const text = spec.slice(0, -protocol.length) + lower;
        const fix =
          word.text === spec
            ? {
                summary: `write ${text}`,
                edits: [replace(visit.instruction.statement, word, text)],
              }
            : undefined;
        yield findingIn(
          visit,
          word,
          `Defined protocol '${spec}' in EXPOSE instruction should be lowercase`,
          { fix },
        );
      }
    }
  },
};
