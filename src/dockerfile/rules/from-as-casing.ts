import { splitAtSpaces } from "../parse/words.ts";
import { findingAt, replace, writtenKeyword } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const fromAsCasing: Rule = {
  name: "FromAsCasing",
  description: "The 'as' keyword should match the case of the 'from' keyword",
  *check({ dockerfile }) {
    for (const { from } of dockerfile.stages) {
      const { statement } = from;
      const keyword = writtenKeyword(statement);
      const as = splitAtSpaces(statement.rest)[1];
      const wanted = keyword === "from" ? "as" : keyword === "FROM" ? "AS" : undefined; // a mixed FROM has a finding of its own
      if (as !== undefined && wanted !== undefined && as.text !== wanted) {
        yield findingAt(
          statement,
          as,
          `'${as.text}' and '${keyword}' keywords' casing do not match`,
          {
            fix: { summary: `write ${wanted}`, edits: [replace(statement, as, wanted)] },
          },
        );
      }
    }
  },
};
