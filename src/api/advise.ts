import { existsSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Texts } from "../dockerfile/advice/proposal.ts";
import { proposals } from "../dockerfile/advice/proposals.ts";
import { parseIgnore } from "../dockerfile/ignore.ts";
import type { EventSink } from "../events/build-event.ts";
import type { Advice } from "../explain/advice.ts";
import type { BuildRecord } from "../explain/build-record.ts";
import { type Changes, changesOf } from "../explain/changes.ts";
import { slotOf } from "../explain/slot.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { canonicalReference, InvalidReference, parseReference } from "../oci/reference.ts";
import type { BuildOptions } from "./build.ts";
import { BuildFailure } from "./build-failure.ts";
import { builds } from "./builds.ts";
import { readCheckInput } from "./check-input.ts";
import type { Laminate } from "./laminate.ts";
import { openBuild } from "./opened-build.ts";
import { openHandedThings } from "./handed-things.ts";
import { replaceFile } from "./replace-file.ts";
import { Replay } from "./replay.ts";
import { openScratch } from "./scratch.ts";
import { survey } from "./survey.ts";
import { Trials } from "./trials.ts";

/** What `advise` looks at: a build as it is usually done. */
export type AdviseOptions = Omit<BuildOptions, "stdin" | "tags" | "noCache" | "pull" | "outputs" | "cacheFrom" | "cacheTo">;

/** Tried proposals, and what they come to together. */
export interface Advised {
  readonly context: string;
  readonly dockerfile: string;
  readonly changes: Changes;
  readonly proposals: readonly Advice[];
  /** All that save, built once together; undefined where none does. */
  readonly together?: Advice;
  /** The files and their texts as they are. */
  readonly files: { readonly dockerfile: string; readonly ignore: string };
  readonly before: Texts;
}

/** Who is told how the trials go on. */
export interface AdviseWatch {
  readonly events: EventSink;
  /** Told before each trial. */
  readonly onTrial: (title: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Looks for changes of a Dockerfile that save time or room, and tries each: the build before and after it, and again
 * after a change of the kind that the records tell of, in a store of their own. Nothing is called a saving that was not
 * measured, or whose image holds other files. Writes nothing but that. Throws what a build of it throws.
 */
export async function advise(laminate: Laminate, options: AdviseOptions, watch: AdviseWatch): Promise<Advised> {
  const input = await readInput(options);
  const records = recordsOf(laminate, input);
  const changes = changesOf(records);
  await using scratch = await openScratch(laminate, await basesOf(laminate, options, watch));
  const { context: _context, file: _file, ...build } = options;
  const replay = new Replay(scratch, { directory: input.directory, ignore: input.before.ignore === undefined ? undefined : parseIgnore(input.before.ignore, ".dockerignore"), build, signal: watch.signal });
  const surveyed = survey(replay.directory, changes, records);
  const trials = new Trials(replay, { before: input.before, changes, records, directory: replay.directory, build, ...watch });
  const tried: Advice[] = [];
  for (const proposal of proposals(input.before, surveyed)) tried.push(await trials.advice(proposal));
  const together = await trials.together(tried);
  return { context: options.context, dockerfile: input.name, changes, proposals: tried, ...(together === undefined ? {} : { together }), files: input.files, before: input.before };
}

/** Writes what all proposals that save come to, in one go a file; gives the files. Throws BuildFailure where one changed meanwhile. */
export async function applyAdvice({ together, files, before }: Advised): Promise<string[]> {
  const after = together?.texts;
  const written: string[] = [];
  if (after !== undefined && after.dockerfile !== before.dockerfile) {
    await replaceFile(files.dockerfile, before.dockerfile, after.dockerfile);
    written.push(files.dockerfile);
  }
  if (after?.ignore !== undefined && after.ignore !== before.ignore) {
    if (before.ignore === undefined) await writeFile(files.ignore, after.ignore, { flag: "wx" });
    else await replaceFile(files.ignore, before.ignore, after.ignore);
    written.push(files.ignore);
  }
  return written;
}

interface Input {
  readonly directory: string;
  readonly name: string;
  readonly files: Advised["files"];
  readonly before: Texts;
}

async function readInput({ context, cwd, file }: AdviseOptions): Promise<Input> {
  const directory = path.resolve(cwd, context);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true || file === "-") {
    throw new BuildFailure("bad-context", `advise on ${JSON.stringify(file === "-" ? file : context)}: it is not a ${file === "-" ? "file" : "directory"} of this machine`);
  }
  const { text, name, path: place } = await readCheckInput({ place: context, cwd, stdin: noInput(), ...(file === undefined ? {} : { file }) });
  const own = `${place!}.dockerignore`;
  const ignore = existsSync(own) ? own : path.join(directory, ".dockerignore");
  return { directory, name, files: { dockerfile: place!, ignore }, before: { dockerfile: text, ignore: existsSync(ignore) ? await readFile(ignore, "utf8") : undefined } };
}

async function* noInput(): AsyncIterable<Buffer> {}

/** The records of builds of the same Dockerfile in the same place, whatever their target. */
function recordsOf(laminate: Laminate, { directory, files }: Input): readonly BuildRecord[] {
  const slot = slotOf([directory, files.dockerfile, ""]);
  return builds(laminate).filter((build) => build.slot.startsWith(slot));
}

/** The images that the build stands on; those that are not here are fetched, as a build would. */
async function basesOf(laminate: Laminate, options: AdviseOptions, { events, signal }: AdviseWatch): Promise<ImageRecord[]> {
  await using handed = openHandedThings({ secrets: [], agents: [], env: laminate.env, cwd: options.cwd });
  using opened = await openBuild(laminate, { ...options, pull: false }, { access: handed, events, signal });
  const images: ImageRecord[] = [];
  for (const { operation } of opened.lowered.graph.vertices) {
    if (operation.kind !== "image") continue;
    await opened.bases.resolve(operation.reference, operation.platform);
    const record = laminate.store.images.get(canonical(operation.reference));
    if (record !== undefined) images.push(record);
  }
  return images;
}

function canonical(reference: string): string {
  try {
    return canonicalReference(parseReference(reference));
  } catch (error) {
    if (error instanceof InvalidReference) return reference;
    throw error;
  }
}
