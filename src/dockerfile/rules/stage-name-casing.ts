import { splitAtSpaces } from "../parse/words.ts";
import { findingAt, replace } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const stageNameCasing: Rule = {
  name: "StageNameCasing",
  description: "Stage names should be lowercase",
  *check({ dockerfile }) {
    for (const { from } of dockerfile.stages) {
      const name = splitAtSpaces(from.statement.rest)[2];
      const lower = name?.text.toLowerCase();
      if (name !== undefined && name.text !== lower) {
        const edits = [replace(from.statement, name, lower!)];
        yield findingAt(from.statement, name, `Stage name '${name.text}' should be lowercase`, {
          fix: { summary: `call the stage ${lower}`, edits },
        });
      }
    }
  },
};
