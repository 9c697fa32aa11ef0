import { findingAt, replace, writtenKeyword } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const consistentInstructionCasing: Rule = {
  name: "ConsistentInstructionCasing",
  description:
    "All commands within the Dockerfile should use the same casing (either upper or lower)",
  *check({ dockerfile }) {
    const statements = dockerfile.stages.flatMap(({ from, instructions }) =>
      [from, ...instructions].map(({ statement }) => statement),
    );
    const written = statements.map(writtenKeyword);
    const lower = written.filter((word) => word === word.toLowerCase()).length;
    const upper = written.filter((word) => word === word.toUpperCase()).length;
    const isLower = lower > upper;
    for (const [place, statement] of statements.entries()) {
      const word = written[place]!;
      const wanted = isLower ? word.toLowerCase() : word.toUpperCase();
      if (word !== wanted) {
        yield findingAt(
          statement,
          undefined,
          `Command '${word}' should match the case of the command majority (${isLower ? "lowercase" : "uppercase"})`,
          { fix: { summary: `write ${wanted}`, edits: [replace(statement, undefined, wanted)] } },
        );
      }
    }
  },
};
