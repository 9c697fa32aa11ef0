import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Surveyed } from "../dockerfile/advice/proposal.ts";
import type { BuildRecord, RecordedReads, StepRecord } from "../explain/build-record.ts";
import type { Changes } from "../explain/changes.ts";

/** Directories whose files say nothing of the project itself. */
export const FOREIGN: ReadonlySet<string> = new Set([".git", "node_modules", "vendor", "target", ".venv"]);
/** How deep manifests are looked for. */
const DEEP = 3;

/** What proposals are made from: the files of a context, and what changed in the recorded builds. */
export function survey(directory: string, changes: Changes, records: readonly BuildRecord[]): Surveyed {
  const files = [...filesBelow(directory, (name, depth) => depth <= DEEP && !FOREIGN.has(path.basename(name)))];
  return {
    has: (name) => existsSync(path.join(directory, name)),
    find: (pattern) => files.filter((file) => pattern.test(file)),
    changedArguments: changes.arguments.map(({ name }) => name),
    cost: (command) => {
      const found = records.flatMap(({ steps }) => steps).find(({ kind, outcome, name }) => kind === "run" && outcome === "ran" && name === `RUN ${command}`);
      return found === undefined ? undefined : found.duration / 1000;
    },
    destination: (copy) => records.map(({ steps }) => destinationOf(copyStep(steps, copy))).find((one) => one !== undefined),
    reads: (run, copy) => readsOf(records, `RUN ${run}`, copy),
  };
}

/** The plain files below a directory, by their paths in it; only of directories that are wanted. */
export function* filesBelow(directory: string, wanted: (name: string, depth: number) => boolean = () => true, below = "", depth = 1): Iterable<string> {
  for (const entry of readdirSync(path.join(directory, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isFile()) yield name;
    else if (entry.isDirectory() && wanted(name, depth)) yield* filesBelow(directory, wanted, name, depth + 1);
  }
}

/** From the newest build in which both steps are and the RUN was watched. */
function readsOf(records: readonly BuildRecord[], run: string, copy: string): readonly string[] | undefined {
  for (const { steps } of records) {
    const reader = steps.find(({ name, reads }) => name === run && reads !== undefined && "of" in reads && reads.left === 0);
    const brought = copyStep(steps, copy);
    const destination = destinationOf(brought);
    if (reader === undefined || brought === undefined || destination === undefined) continue;
    const { of } = reader.reads as Extract<RecordedReads, { base: number }>;
    const below = destination.endsWith("/") ? destination : `${destination}/`;
    return (of[brought.id]?.files ?? []).filter((file) => file.startsWith(below)).map((file) => file.slice(below.length));
  }
  return undefined;
}

/** The step of a COPY or ADD with these words behind its flags. */
function copyStep(steps: readonly StepRecord[], words: string): StepRecord | undefined {
  return steps.find(({ kind, name }) => kind === "copy" && name.replace(/^\S+ (?:--\S+ )*/, "") === words);
}

function destinationOf(step: StepRecord | undefined): string | undefined {
  const destination = step?.ingredients["destination"];
  return typeof destination === "string" ? destination : undefined;
}
