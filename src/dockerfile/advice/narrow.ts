import type { CopyInstruction, Dockerfile, Stage, StageInstruction } from "../parse/instruction.ts";
import { copyLines, isContextCopy, Lines, partsOf, placeOf, wholeDirectory } from "./lines.ts";
import type { Proposal, Surveyed, Texts } from "./proposal.ts";

/**
 * Proposes to copy only what is read, where a stage takes the whole context, every RUN behind that was watched, and other
 * stages take single paths of it: then a file that nobody reads runs nothing again.
 */
export function narrowProposals(lines: Lines, surveyed: Surveyed): Proposal[] {
  const { stages } = lines.dockerfile;
  return stages.flatMap((stage) => {
    const taken = takenFrom(stage, lines.dockerfile);
    if (stage === stages.at(-1) || taken === undefined) return [];
    return stage.instructions.flatMap((instruction, place) => (isContextCopy(instruction) && wholeDirectory(instruction) === "" ? narrow(stage, instruction, stage.instructions.slice(place + 1), taken, surveyed) : []));
  });
}

/** The paths that other stages take of one; undefined where one stands on it, or names them in a way that is known only when it is built. */
function takenFrom(stage: Stage, { stages }: Dockerfile): readonly string[] | undefined {
  const isThis = (name: string): boolean => name.toLowerCase() === stage.name || name === String(stage.index);
  const later = stages.slice(stage.index + 1);
  if (later.some(({ from }) => isThis(from.base.text))) return undefined;
  const copies = later.flatMap(({ instructions }) => instructions.filter((one): one is CopyInstruction => one.kind === "COPY" && isThis(one.from?.value ?? "")));
  const mounts = later.some(({ instructions }) => instructions.some((one) => one.kind === "RUN" && one.mounts.length > 0));
  const paths = copies.flatMap(({ sources }) => sources.map(({ text }) => text));
  return mounts || paths.length === 0 || paths.some((path) => /[$*?[]/.test(path) || !path.startsWith("/")) ? undefined : paths;
}

function narrow(stage: Stage, copy: CopyInstruction, behind: readonly StageInstruction[], taken: readonly string[], surveyed: Surveyed): Proposal[] {
  const runs = behind.filter(({ kind }) => kind === "RUN");
  const destination = surveyed.destination(copy.statement.rest.text);
  const reads = runs.map((run) => surveyed.reads(run.statement.rest.text, copy.statement.rest.text));
  if (destination === undefined || runs.length === 0 || !reads.every((one) => one !== undefined)) return [];
  const below = destination.endsWith("/") ? destination : `${destination}/`;
  if (taken.some((path) => below.startsWith(path.endsWith("/") ? path : `${path}/`))) return []; // all of it
  const names = taken.filter((path) => path.startsWith(below)).map((path) => path.slice(below.length));
  const parts = partsOf([...reads.flat(), ...names], "", surveyed);
  const used = new Set([...(parts?.files ?? []), ...(parts?.directories ?? [])]);
  const [kept, unused] = [surveyed.find(/^/).filter((file) => used.has(file.split("/")[0]!)), surveyed.find(/^/).filter((file) => !used.has(file.split("/")[0]!))];
  if (parts === undefined || used.size === 0 || unused.length === 0) return [];
  const place = placeOf(stage, copy);
  return [
    {
      kind: "narrow",
      title: `copy only what is read: ${[...used].join(", ")}`,
      takes: `${place.stage} ${place.words} ${[...used].join(" ")}`,
      line: copy.statement.line.firstLine,
      trial: { kind: "source", except: kept, below: "" },
      drops: [],
      apply: ({ dockerfile, ignore }: Texts) => {
        const now = new Lines(dockerfile);
        const found = now.find(place);
        if (found === undefined || !isContextCopy(found)) return undefined;
        return { dockerfile: now.with({ without: [found], put: [{ lines: copyLines(found, "", parts), before: found }] }), ignore };
      },
    },
  ];
}
