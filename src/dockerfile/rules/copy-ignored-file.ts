import path from "node:path/posix";
import { findingIn } from "./finding.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";
import { walk } from "./walk.ts";

/** BuildKit holds a source against the rules as it is written: `./a` and `/a` meet none. */
function isPlainPath(text: string): boolean {
  return text !== "" && !/^\.?\//.test(text) && path.normalize(text) === text && !REMOTE.test(text);
}

const REMOTE = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/;

export const copyIgnoredFile: Rule = {
  name: "CopyIgnoredFile",
  description: "Attempting to COPY file that is excluded by .dockerignore",
  experimental: true,
  *check(subject) {
    const { ignore } = subject;
    for (const visit of ignore === undefined ? [] : walk(subject)) {
      const { instruction, scope } = visit;
      if (
        (instruction.kind !== "COPY" && instruction.kind !== "ADD") ||
        instruction.from !== undefined
      ) {
        continue;
      }
      for (const source of instruction.sources) {
        const { text } = expandNoting(source.text, scope.lookup, instruction.statement.escape);
        if (text !== undefined && isPlainPath(text) && ignore!.ignores(text)) {
          const verb = instruction.kind === "ADD" ? "Add" : "Copy";
          yield findingIn(
            visit,
            source,
            `Attempting to ${verb} file "${text}" that is excluded by .dockerignore`,
          );
        }
      }
    }
  },
};
