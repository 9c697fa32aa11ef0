import type { Stage, StageInstruction } from "../parse/instruction.ts";
import { Lines, placeOf, shellText, writtenFlags } from "./lines.ts";
import type { Proposal, Texts } from "./proposal.ts";

/** Commands that do nothing but remove. */
const REMOVES = /^(?:rm (?:-[a-zA-Z]+ )*[^|;&]+|apt-get (?:clean|autoremove|purge)[^|;&]*|npm cache clean[^|;&]*|find [^|;&]+ -delete)$/;

/** Proposes to remove files in the RUN that made them: in one behind it they stay in the layer below, and travel for nothing. */
export function sameRunProposals(lines: Lines): Proposal[] {
  return lines.dockerfile.stages.flatMap((stage) => stage.instructions.flatMap((second, place) => join(stage, stage.instructions[place - 1], second)));
}

function join(stage: Stage, first: StageInstruction | undefined, second: StageInstruction): Proposal[] {
  const [before, after] = [first, second].map((one) => (one === undefined ? undefined : shellText(one)));
  if (first?.kind !== "RUN" || second.kind !== "RUN" || before === undefined || after === undefined || writtenFlags(first) !== writtenFlags(second)) return [];
  if (before === "" || /#/.test(before) || !after.split(/\s*&&\s*/).every((command) => REMOVES.test(command.trim().replace(/\s+/g, " ")))) return [];
  const [one, two] = [placeOf(stage, first), placeOf(stage, second)];
  return [
    {
      kind: "same-run",
      title: `remove files in the RUN that makes them`,
      line: second.statement.line.firstLine,
      trial: { kind: "source", except: [], below: "" },
      drops: [],
      apply: ({ dockerfile, ignore }: Texts) => {
        const now = new Lines(dockerfile);
        const [a, b] = [now.find(one), now.find(two)];
        if (a === undefined || b === undefined) return undefined;
        const written = now.written(a);
        const joined = [...written.slice(0, -1), `${written.at(-1)!.trimEnd()} ${now.dockerfile.escape}`, `    && ${after}`];
        return { dockerfile: now.with({ without: [a, b], put: [{ lines: joined, before: a }] }), ignore };
      },
    },
  ];
}
