import { splitAtSpaces } from "../parse/words.ts";
import { findingAt } from "./finding.ts";
import type { Rule } from "./rule.ts";

const RESERVED = new Set(["context", "scratch"]);

export const reservedStageName: Rule = {
  name: "ReservedStageName",
  description: "Reserved words should not be used as stage names",
  *check({ dockerfile }) {
    for (const { from, name } of dockerfile.stages) {
      if (name !== undefined && RESERVED.has(name)) {
        yield findingAt(
          from.statement,
          splitAtSpaces(from.statement.rest)[2],
          `Stage name should not use the same name as reserved stage "${name}"`,
        );
      }
    }
  },
};
