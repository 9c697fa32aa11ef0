import type { ArgInstruction, PairsInstruction, Stage, StageInstruction } from "../parse/instruction.ts";
import { Lines, placeOf } from "./lines.ts";
import type { Proposal, Surveyed, Texts } from "./proposal.ts";

/** Proposes to declare a build argument that changes, and the variables made of it, right before the first instruction that names them: what stands above no longer depends on it. */
export function argumentProposals(lines: Lines, { changedArguments }: Surveyed): Proposal[] {
  return lines.dockerfile.stages.flatMap((stage) => stage.instructions.flatMap((instruction, place) => (instruction.kind === "ARG" ? moveDown(stage, instruction, place, changedArguments) : [])));
}

function moveDown(stage: Stage, arg: ArgInstruction, place: number, changed: readonly string[]): Proposal[] {
  const name = arg.args.map((one) => one.name).find((one) => changed.includes(one));
  if (name === undefined || arg.args.length > 1) return [];
  const below = stage.instructions.slice(place + 1);
  const names = new Set([name]);
  const moved: StageInstruction[] = [arg];
  let target: StageInstruction | undefined;
  let passed = 0;
  for (const instruction of below) {
    if (!mentions(instruction, names)) {
      if (instruction.kind === "RUN") passed += 1;
      continue;
    }
    if (instruction.kind === "ENV" && passed === 0) {
      moved.push(instruction);
      for (const { key } of (instruction as PairsInstruction).pairs) names.add(key.text);
      continue;
    }
    target = instruction;
    break;
  }
  const last = target === undefined ? below.findLast(({ kind }) => kind === "RUN") : undefined;
  if (passed === 0 || (target === undefined && last === undefined)) return [];
  const places = moved.map((one) => placeOf(stage, one));
  const [before, after] = [target, last].map((one) => (one === undefined ? undefined : placeOf(stage, one)));
  return [
    {
      kind: "argument",
      title: `declare ${name} where it is first used`,
      line: arg.statement.line.firstLine,
      trial: { kind: "argument", name },
      drops: [],
      apply: ({ dockerfile, ignore }: Texts) => {
        const now = new Lines(dockerfile);
        const found = places.map((one) => now.find(one));
        const at = now.find((before ?? after)!);
        if (at === undefined || !found.every((one) => one !== undefined)) return undefined;
        const put = { lines: found.flatMap((one) => now.written(one)), ...(before === undefined ? { after: at } : { before: at }) };
        return { dockerfile: now.with({ without: found, put: [put] }), ignore };
      },
    },
  ];
}

function mentions({ statement }: StageInstruction, names: ReadonlySet<string>): boolean {
  const words = new Set(`${statement.line.text} ${statement.hereDocs.map(({ content }) => content).join(" ")}`.match(/\w+/g));
  return [...names].some((name) => words.has(name));
}
