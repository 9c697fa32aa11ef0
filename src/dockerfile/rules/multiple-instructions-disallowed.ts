import { rangeOf } from "../parse/statement.ts";
import type { Stage } from "../parse/instruction.ts";
import { findingIn, writtenKeyword } from "./finding.ts";
import type { Rule } from "./rule.ts";
import { walk, type Visit } from "./walk.ts";

const ONCE = new Set(["CMD", "ENTRYPOINT", "HEALTHCHECK"]);

export const multipleInstructionsDisallowed: Rule = {
  name: "MultipleInstructionsDisallowed",
  description: "Multiple instructions of the same type should not be used in the same stage",
  *check(subject) {
    let stage: Stage | undefined;
    const last = new Map<string, Visit>();
    for (const visit of walk(subject)) {
      const { kind, statement } = visit.instruction;
      if (visit.stage !== stage) {
        last.clear();
        stage = visit.stage;
      }
      if (!ONCE.has(kind)) {
        continue;
      }
      const before = last.get(kind);
      if (before !== undefined) {
        // The earlier one is named: it is the one without effect.
        const related =
          visit.trigger === undefined
            ? { range: rangeOf(statement), message: "this one counts" }
            : undefined;
        yield findingIn(
          before,
          undefined,
          `Multiple ${writtenKeyword(statement)} instructions should not be used in the same stage because only the last one will be used`,
          { related },
        );
      }
      last.set(kind, visit);
    }
  },
};
