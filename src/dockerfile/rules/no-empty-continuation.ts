import type { SourceText } from "../../diagnostics/source-text.ts";
import type { Statement } from "../parse/statement.ts";
import { statementsOf } from "../parse/statements-of.ts";
import type { Edit } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const noEmptyContinuation: Rule = {
  name: "NoEmptyContinuation",
  description: "Empty continuation lines will become errors in a future release",
  *check({ dockerfile }) {
    for (const statement of statementsOf(dockerfile)) {
      const empty = emptyLines(dockerfile.source, statement);
      if (empty.length > 0) {
        // BuildKit names the line where the instruction's own text ends.
        const last = statement.line.lastLine;
        const start = { line: empty[0]!, column: 1 };
        yield {
          message: "Empty continuation line",
          lines: { first: last, last },
          range: { start, end: start },
          related: {
            range: statement.line.range(0, statement.keyword.length),
            message: "it is inside this instruction",
          },
          fix: { summary: "remove the empty lines", edits: empty.map(removeLine) },
        };
      }
    }
  },
};

function emptyLines(source: SourceText, { line }: Statement): number[] {
  const found: number[] = [];
  for (let number = line.firstLine + 1; number <= line.lastLine; number += 1) {
    if (source.line(number).trim() === "") {
      found.push(number);
    }
  }
  return found;
}

function removeLine(line: number): Edit {
  return { range: { start: { line, column: 1 }, end: { line: line + 1, column: 1 } }, text: "" };
}
