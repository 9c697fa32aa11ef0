import { statSync } from "node:fs";
import path from "node:path";
import { bytePath, type BytePath } from "../base/byte-path.ts";
import { nearestHint } from "../base/nearest.ts";
import { emptyImage } from "../dockerfile/lower/base.ts";
import type { EventSink } from "../events/build-event.ts";
import { BuildBackend } from "../executors/build-backend.ts";
import { TouchedSource } from "../executors/context/touched-source.ts";
import { DryRun, type Foreseen } from "../executors/dry-run.ts";
import { SupposedLayers } from "../executors/supposed-layers.ts";
import type { FileSource } from "../executors/value.ts";
import { stepText } from "../explain/build-record.ts";
import type { Cause } from "../explain/cause.ts";
import { lastDuration, type Plan, type PlannedStep, timesOf } from "../explain/plan.ts";
import type { Vertex } from "../graph/vertex.ts";
import { canonicalReference, InvalidReference, parseReference } from "../oci/reference.ts";
import { solve } from "../solver/solve.ts";
import type { StepKey } from "../solver/backend.ts";
import { BuildFailure } from "./build-failure.ts";
import { BuildJournal } from "./build-journal.ts";
import { builds } from "./builds.ts";
import { openHandedThings } from "./handed-things.ts";
import type { Laminate } from "./laminate.ts";
import { openBuild, type OpenedBuild, type OpenOptions } from "./opened-build.ts";
import { sourceDate } from "./source-date.ts";

/** A build, and what of its inputs is taken to be otherwise. */
export interface PlanOptions extends Omit<OpenOptions, "pull" | "stdin"> {
  /** Files or directories of the context, from there or from the working directory, that are taken to have other contents. */
  readonly touch?: readonly string[];
  /** Base images that are taken to be others than they are; with `instead`, to be that one. */
  readonly bases?: readonly { readonly reference: string; readonly instead?: string }[];
}

/**
 * Tells what a build would do, without running, fetching or writing anything: `laminate` may have a store that is only
 * read. Throws what the build would throw before its first step, and BuildFailure for what cannot be told ahead.
 */
export async function plan(laminate: Laminate, options: PlanOptions, { events, signal }: { readonly events: EventSink; readonly signal: AbortSignal }): Promise<Plan> {
  const { store, env } = laminate;
  checkIsHere(options);
  const absent = new Set<string>();
  const given = (options.bases ?? []).flatMap(({ reference, instead }) => (instead === undefined ? [] : [{ name: reference, value: `docker-image://${instead}` }]));
  await using handed = openHandedThings({ secrets: [], agents: [], env, cwd: options.cwd });
  const opened = await openBuild(laminate, { ...options, pull: false, contexts: [...(options.contexts ?? []), ...given] }, {
    access: handed,
    events,
    signal,
    absent: (reference, platform) => {
      absent.add(reference);
      return emptyImage(platform);
    },
  });
  const { context, contexts, bases, lowered, slot } = opened;
  const others = otherBases(options, lowered.graph.vertices);
  const source = touched(context.source, options);
  const journal = new BuildJournal(store, { id: "", slot, context: options.context, dockerfile: context.dockerfile.name, names: [], started: 0 }, lowered.graph.vertices);
  const layers = new SupposedLayers(store.layers);
  const backend = new BuildBackend({
    store,
    layers,
    sandbox: laminate.sandbox,
    env,
    clock: Date.now,
    epoch: sourceDate(options.buildArgs),
    image: async (reference, platform) => ({ layers: (await bases.resolve(reference, platform)).rootfs.diff_ids }),
    context: async (name) => (name === "context" ? source : await contexts.files(name)),
    handed,
    bounds: undefined,
    onNetwork: () => {},
    stoodOn: () => false,
    earlierKey: (vertex) => journal.earlierKey(vertex),
  });
  const dry = new DryRun(backend, {
    store,
    layers,
    image: (reference) => (others.has(canonical(reference)) ? "other" : absent.has(reference) ? "absent" : "here"),
    earlierKey: (vertex) => journal.earlierKey(vertex),
  });
  await solve<Foreseen>(lowered.graph, dry, {
    signal,
    events: () => {},
    clock: Date.now,
    noCache: () => undefined,
    onDecision: (decision, { value }) => journal.decide(decision, value ?? { kind: "tree", layers: [] }),
    explainMiss: (vertex, key) => explain(vertex, key, { dry, journal }),
  });
  return planOf(laminate, options, { opened, dry, journal });
}

/** Notes why a step would run: for its own sake, or for that of the step below that has to run first; nothing where it stands on an image that is not here. */
async function explain(vertex: Vertex, key: StepKey, { dry, journal }: { readonly dry: DryRun; readonly journal: BuildJournal }): Promise<undefined> {
  const outlook = dry.outlook(vertex);
  const below = outlook.outcome === "runs" ? outlook.after.at(-1) : outlook.outcome === "depends" ? outlook.unless.at(-1) : undefined;
  const found = Object.keys(key.ingredients).length === 0 ? undefined : await journal.compare(vertex, key);
  if (below === undefined || (found !== undefined && !FROM_BELOW.has(found.cause.kind))) {
    if (found !== undefined) journal.blame(vertex, found);
    return;
  }
  if (dry.outlook(below).outcome === "fetched") return; // nobody knows what it is
  const cause = journal.causeOf(below.id);
  const own: Cause = below.operation.kind === "image" ? { kind: "base-image", reference: below.operation.reference } : { kind: "step", id: below.id, name: below.name, ...(cause === undefined ? {} : { cause }) };
  journal.blame(vertex, { cause: own });
}

/** What a comparison comes to where the key was made on what the step below is presumed to give. */
const FROM_BELOW: ReadonlySet<Cause["kind"]> = new Set(["step", "base", "base-image", "stands-on", "removed", "layer-gone"]);

function planOf(laminate: Laminate, { context, target }: PlanOptions, { opened, dry, journal }: { readonly opened: OpenedBuild; readonly dry: DryRun; readonly journal: BuildJournal }): Plan {
  const { lowered, slot, context: { dockerfile } } = opened;
  const earlier = builds(laminate).toSorted((a, b) => Number(b.slot === slot) - Number(a.slot === slot));
  const steps = lowered.graph.vertices.map((vertex): PlannedStep => {
    const { id, inputs, name: title, stage = null, operation: { kind } } = vertex;
    const outlook = dry.outlook(vertex);
    const cause = journal.causeOf(id);
    return {
      id,
      inputs,
      title,
      stage,
      kind,
      outcome: outlook.outcome,
      unless: outlook.outcome === "depends" ? outlook.unless.map((other) => other.id) : [],
      ...(outlook.outcome === "depends" ? { ifSame: outlook.ifSame } : {}),
      ...(cause === undefined ? {} : { cause }),
      ...lastDuration({ name: stepText(title), stage, kind }, slot, earlier),
    };
  });
  return { context, dockerfile: dockerfile.name, ...(target === undefined ? {} : { target }), steps, ...timesOf(steps) };
}

/** Nothing can be said of files that are elsewhere: they would have to be fetched first. */
function checkIsHere({ context, file = "", contexts = [], cwd }: PlanOptions): void {
  const hint = "what is elsewhere would have to be fetched first, and a plan fetches nothing";
  const isDirectory = (place: string): boolean => statSync(path.resolve(cwd, place), { throwIfNoEntry: false })?.isDirectory() === true;
  const strange = [context, ...contexts.map(({ value }) => value).filter((value) => !value.startsWith("docker-image://"))].find((place) => !isDirectory(place));
  if (strange !== undefined) throw new BuildFailure("bad-context", `plan with the context ${JSON.stringify(strange)}: it is not a directory`, { hint });
  if (file === "-" || /^https?:/.test(file)) throw new BuildFailure("bad-file", `plan the Dockerfile ${JSON.stringify(file)}: it is not a file of this machine`, { hint });
}

function touched(source: FileSource, options: PlanOptions): FileSource {
  const { touch = [] } = options;
  return touch.length === 0 ? source : new TouchedSource(source, touch.map((name) => pathIn(source, name, options)));
}

/** The path in the context of what --touch names. */
function pathIn(source: FileSource, name: string, { context, cwd }: PlanOptions): BytePath {
  const root = path.resolve(cwd, context);
  const here = [path.resolve(root, name), path.resolve(cwd, name)].map((place) => path.relative(root, place));
  const inside = here.filter((place) => place !== ".." && !place.startsWith("../")).map((place) => bytePath(place));
  const found = inside.find((place) => source.get(place) !== undefined);
  if (found !== undefined) return found;
  const hidden = inside.map((place) => source.hiddenBecause(place)).find((why) => why !== undefined);
  throw new BuildFailure("bad-context", `--touch ${name}: ${hidden === undefined ? `there is no such file in ${source.name}` : `it is ${hidden}, so no step sees it`}`);
}

/** The images that --base takes to be others, by canonical reference. */
function otherBases({ bases = [] }: PlanOptions, vertices: readonly Vertex[]): ReadonlySet<string> {
  const used = vertices.flatMap(({ operation }) => (operation.kind === "image" ? [operation.reference] : []));
  const wanted = bases.filter(({ instead }) => instead === undefined).map(({ reference }) => reference);
  for (const reference of wanted) {
    if (used.some((one) => canonical(one) === canonical(reference))) continue;
    throw new BuildFailure("bad-context", `--base ${reference}: the build needs no image of that name`, nearestHint(reference, used));
  }
  return new Set(wanted.map(canonical));
}

function canonical(reference: string): string {
  try {
    return canonicalReference(parseReference(reference));
  } catch (error) {
    if (error instanceof InvalidReference) throw new BuildFailure("bad-context", `--base ${reference}: ${error.message}`, { cause: error });
    throw error;
  }
}
