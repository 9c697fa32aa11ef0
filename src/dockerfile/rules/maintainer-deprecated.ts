import { findingAt, writtenKeyword, type Fix } from "./finding.ts";
import type { Rule } from "./rule.ts";
import type { Statement } from "../parse/statement.ts";

const LABEL = "org.opencontainers.image.authors";

export const maintainerDeprecated: Rule = {
  name: "MaintainerDeprecated",
  description:
    "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
  *check({ dockerfile }) {
    for (const { instructions } of dockerfile.stages) {
      for (const { kind, statement } of instructions) {
        if (kind === "MAINTAINER") {
          yield findingAt(
            statement,
            undefined,
            "Maintainer instruction is deprecated in favor of using label",
            { fix: asLabel(statement) },
          );
        }
      }
    }
  },
};

function asLabel(statement: Statement): Fix {
  const keyword = writtenKeyword(statement) === "maintainer" ? "label" : "LABEL";
  const text = `${keyword} ${LABEL}=${quoted(statement.rest.text, statement.escape)}`;
  return {
    summary: `say it with LABEL ${LABEL}`,
    edits: [{ range: statement.line.range(0, statement.line.text.length), text }],
    changesMeaning: true,
  };
}

/** MAINTAINER takes its text as it stands; in a LABEL quotes and variables mean something. */
function quoted(text: string, escape: string): string {
  const special = `"$${escape}`;
  return `"${[...text].map((char) => (special.includes(char) ? escape + char : char)).join("")}"`;
}
