import { hereDocText } from "../parse/here-doc.ts";
import type { StageInstruction } from "../parse/instruction.ts";
import type { Flag, Word } from "../parse/statement.ts";
import { findingIn } from "./finding.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";
import { suggest } from "./suggest.ts";
import { walk } from "./walk.ts";

/** Variables that a build takes without their being declared. */
const TAKEN = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

export const undefinedVar: Rule = {
  name: "UndefinedVar",
  description: "Variables should be defined before their use",
  *check(subject) {
    for (const visit of walk(subject)) {
      const { instruction, scope } = visit;
      for (const { at, text, document } of scope.baseKnown ? expanded(instruction) : []) {
        const escape = document ? "\\" : instruction.statement.escape;
        const { unmatched } = expandNoting(text, scope.lookup, escape, { document });
        for (const name of unmatched) {
          if (scope.isDeclared(name) || TAKEN.has(name)) {
            continue;
          }
          const near = suggest(name, scope.names);
          const hint = near === undefined ? "" : ` (did you mean $${near}?)`;
          yield findingIn(visit, at, `Usage of undefined variable '$${name}'${hint}`);
        }
      }
    }
  },
};

interface Expanded {
  readonly at: Word | Flag;
  readonly text: string;
  readonly document: boolean;
}

/** The pieces of an instruction in which variables are replaced. */
function expanded(instruction: StageInstruction): readonly Expanded[] {
  const { statement } = instruction;
  const word = (at: Word): Expanded => ({ at, text: at.text, document: false });
  switch (instruction.kind) {
    case "ARG":
      return instruction.args.flatMap(({ value }) => (value === undefined ? [] : [word(value)]));
    case "ENV":
    case "LABEL":
      return instruction.pairs.flatMap(({ key, value }) => [word(key), word(value)]);
    case "WORKDIR":
    case "USER":
    case "STOPSIGNAL":
      return [word(instruction.value)];
    case "EXPOSE":
    case "VOLUME":
      return instruction.values.map(word);
    case "RUN":
      return instruction.mounts.flatMap(({ fields }) =>
        fields.flatMap(({ key, value, at }) =>
          key === "from" || value === undefined ? [] : [{ at, text: value, document: false }],
        ),
      );
    case "COPY":
    case "ADD": {
      const documents = instruction.hereDocs
        .filter(({ expand }) => expand)
        .map((one) => ({ at: statement.rest, text: hereDocText(one), document: true }));
      const paths = [...instruction.sources, instruction.destination].map(word);
      return [
        ...flags(statement.flags, ["chown", "chmod", "checksum", "exclude"]),
        ...paths,
        ...documents,
      ];
    }
    default:
      return [];
  }
}

function flags(all: readonly Flag[], names: readonly string[]): Expanded[] {
  return all.flatMap((at) =>
    names.includes(at.name) && at.value !== undefined
      ? [{ at, text: at.value, document: false }]
      : [],
  );
}
