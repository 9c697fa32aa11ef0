import type { SourceText } from "../../diagnostics/source-text.ts";
import type { Statement } from "../parse/statement.ts";
import { findingAt } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const invalidDefinitionDescription: Rule = {
  name: "InvalidDefinitionDescription",
  description:
    "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
  experimental: true,
  *check({ dockerfile }) {
    const stages = dockerfile.stages.flatMap(({ from, name, instructions }) => [
      { statement: from.statement, names: name === undefined ? [] : [name] },
      ...instructions.flatMap((one) => (one.kind === "ARG" ? [definition(one)] : [])),
    ]);
    for (const { statement, names } of [...dockerfile.globals.map(definition), ...stages]) {
      const comment = describing(dockerfile.source, statement);
      if (
        comment === undefined ||
        names.length === 0 ||
        names.includes(comment.text.split(" ")[0]!)
      ) {
        continue;
      }
      const example = names.length > 1 ? "<arg_key>" : names[0]!;
      const { line } = comment;
      const range = {
        start: { line, column: 1 },
        end: { line, column: dockerfile.source.line(line).length + 1 },
      };
      yield findingAt(
        statement,
        undefined,
        `Comment for ${statement.keyword} should follow the format: \`# ${example} <description>\``,
        { related: { range, message: "the comment" } },
      );
    }
  },
};

function definition({
  statement,
  args,
}: {
  readonly statement: Statement;
  readonly args: readonly { readonly name: string }[];
}) {
  return { statement, names: args.map(({ name }) => name) };
}

const DIRECTIVE = /^#\s*(?:syntax|escape|check)\s*=/i;

/** The last comment above a statement, empty lines or none between them: so BuildKit takes it. An empty comment says that it is for something else. */
export function describing(
  source: SourceText,
  { line: own }: Statement,
): { readonly text: string; readonly line: number } | undefined {
  let line = own.firstLine - 1;
  while (line >= 1 && source.line(line).trim() === "") {
    line -= 1;
  }
  const written = line < 1 ? "" : source.line(line).trim();
  if (!written.startsWith("#") || (DIRECTIVE.test(written) && isTop(source, line))) {
    return undefined;
  }
  const text = written.slice(1).trim();
  return text === "" ? undefined : { text, line };
}

/** Whether only directives stand above a line. */
function isTop(source: SourceText, line: number): boolean {
  for (let above = 1; above < line; above += 1) {
    if (!DIRECTIVE.test(source.line(above).trim())) {
      return false;
    }
  }
  return true;
}
