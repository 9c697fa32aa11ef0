import type { Statement } from "../parse/statement.ts";
import { findingIn, replace, writtenKeyword, type Fix } from "./finding.ts";
import type { Rule } from "./rule.ts";
import { walk } from "./walk.ts";

export const jsonArgsRecommended: Rule = {
  name: "JSONArgsRecommended",
  description:
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
  *check(subject) {
    for (const visit of walk(subject)) {
      const { instruction, scope } = visit;
      const runs = instruction.kind === "CMD" || instruction.kind === "ENTRYPOINT";
      if (runs && instruction.command.form === "shell" && !scope.hasShell) {
        const { statement } = instruction;
        yield findingIn(
          visit,
          statement.rest,
          `JSON arguments recommended for ${writtenKeyword(statement)} to prevent unintended behavior related to OS signals`,
          { fix: asJson(statement) },
        );
      }
    }
  },
};

/** Words that the shell itself understands, and that need not be programs. */
const OF_THE_SHELL = new Set(
  ". : alias bg break case cd command continue do done elif else esac eval exec exit export fg fi for getopts hash if in jobs local read readonly return set shift source then times trap type ulimit umask unalias unset until wait while".split(
    " ",
  ),
);

/** Plain words mean the same to a shell and without one; anything that a shell would work on stays. */
function asJson(statement: Statement): Fix | undefined {
  const words = statement.rest.text.split(/\s+/);
  const argv = words[0] === "exec" ? words.slice(1) : words;
  const [first] = argv;
  const isPlain = argv.every((word) => /^[A-Za-z0-9_@%+:,./=-]+$/.test(word));
  if (first === undefined || !isPlain || /[=]/.test(first) || OF_THE_SHELL.has(first)) {
    return undefined;
  }
  const text = `[${argv.map((word) => JSON.stringify(word)).join(", ")}]`;
  return {
    summary: "start the program itself, without a shell",
    edits: [replace(statement, statement.rest, text)],
    changesMeaning: true,
  };
}
