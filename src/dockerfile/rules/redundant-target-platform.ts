import { findingAt } from "./finding.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";
import type { Flag, Statement } from "../parse/statement.ts";
import type { Fix } from "./finding.ts";

const TARGET = "TARGETPLATFORM";

export const redundantTargetPlatform: Rule = {
  name: "RedundantTargetPlatform",
  description:
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
  *check({ dockerfile, globals }) {
    for (const { from } of dockerfile.stages) {
      const { statement, platform } = from;
      if (platform?.value === undefined) {
        continue;
      }
      const lookup = (name: string): string | undefined => globals.values.get(name);
      const { text, matched, unmatched } = expandNoting(platform.value, lookup, statement.escape);
      const isTarget = matched.length === 1 && matched[0] === TARGET && unmatched.length === 0;
      if (isTarget && text === globals.values.get(TARGET)) {
        yield findingAt(
          statement,
          platform,
          `Setting platform to predefined ${platform.value} in FROM is redundant as this is the default behavior`,
          { fix: without(statement, platform) },
        );
      }
    }
  },
};

function without(statement: Statement, flag: Flag): Fix {
  const end = flag.offset + flag.length;
  const spaces = /^\s*/.exec(statement.line.text.slice(end))![0].length;
  const { start } = statement.line.range(flag.offset, flag.length);
  const range = { start, end: statement.line.range(end + spaces, 0).start };
  return { summary: "leave the flag out", edits: [{ range, text: "" }], changesMeaning: true };
}
