import path from "node:path/posix";
import { findingIn, replace, type Fix } from "./finding.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";
import { walk, type Visit } from "./walk.ts";
import type { WorkdirInstruction } from "../parse/instruction.ts";

export const workdirRelativePath: Rule = {
  name: "WorkdirRelativePath",
  description:
    "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
  *check(subject) {
    for (const visit of walk(subject)) {
      const { instruction, scope } = visit;
      if (instruction.kind !== "WORKDIR" || scope.hasWorkdir) {
        continue;
      }
      const { value, statement } = instruction;
      const { text } = expandNoting(value.text, scope.lookup, statement.escape);
      if (text !== undefined && !text.startsWith("/") && isSure(visit, value.text)) {
        yield findingIn(
          visit,
          value,
          `Relative workdir ${JSON.stringify(text)} can have unexpected results if the base image changes`,
          { fix: asAbsolute(visit, instruction) },
        );
      }
    }
  },
};

/** A variable may come from a base image that is not at hand. */
function isSure({ scope, instruction }: Visit, text: string): boolean {
  const { unmatched } = expandNoting(text, scope.lookup, instruction.statement.escape);
  return scope.baseKnown || unmatched.every((name) => scope.isDeclared(name));
}

/** Where the base's directory is known, the path that it comes to. */
function asAbsolute({ scope }: Visit, { value, statement }: WorkdirInstruction): Fix | undefined {
  if (scope.baseWorkdir === undefined || !/^[\w./@%+-]+$/.test(value.text)) {
    return undefined;
  }
  const absolute = path.resolve("/", scope.baseWorkdir, value.text);
  return {
    summary: `write ${absolute}`,
    edits: [replace(statement, value, absolute)],
    changesMeaning: true,
  };
}
