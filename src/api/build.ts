import { reasonOf } from "../base/failure.ts";
import { withoutPassword } from "../base/without-password.ts";
import { nearestSource } from "../dockerfile/lower/base.ts";
import type { BuildEvent, EventSink } from "../events/build-event.ts";
import { BuildBackend } from "../executors/build-backend.ts";
import type { RunReads } from "../executors/run/run-layer.ts";
import { seenByCommands } from "../graph/seen-by-commands.ts";
import type { Vertex } from "../graph/vertex.ts";
import { builtImage, type DatedOptions } from "../executors/built-image.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import { familiarReference, parseReference } from "../oci/reference.ts";
import { createSandbox } from "../sandbox/sandbox.ts";
import { solve } from "../solver/solve.ts";
import { SolveError } from "../solver/solve-error.ts";
import type { Store } from "../store/store.ts";
import { StoreFailure } from "../store/store-error.ts";
import { ExecuteError } from "../executors/execute-error.ts";
import { BuildFailure } from "./build-failure.ts";
import { type BuildOutput, namesOf, putBuilt } from "./build-outputs.ts";
import { BuildJournal } from "./build-journal.ts";
import type { CacheTo, FarCaches } from "./cache-exports.ts";
import type { CacheFrom } from "./cache-imports.ts";
import { BuildLogWriter } from "./build-log.ts";
import { FailedStep } from "./failed-step.ts";
import { openHandedThings, type AgentSource, type SecretSource } from "./handed-things.ts";
import { isTrue } from "./buildkit-arguments.ts";
import type { Laminate } from "./laminate.ts";
import { openBuild, type OpenOptions } from "./opened-build.ts";
import type { BoundOptions } from "./step-bounds.ts";
import { sourceDate } from "./source-date.ts";
import { tagName } from "./tag-name.ts";
import { uncachedStages } from "./uncached-stages.ts";

export interface BuildOptions extends OpenOptions {
  readonly tags: readonly string[];
  readonly noCache: boolean;
  /** Stages whose steps are not taken from the cache, by name; `stage-0` for one without. */
  readonly noCacheStages?: readonly string[];
  /** Of the image's manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What `RUN --mount=type=secret` and `type=ssh` find, by id. */
  readonly secrets?: readonly SecretSource[];
  readonly agents?: readonly AgentSource[];
  readonly runtime?: string;
  /** Caches of other machines to look for steps in, and to write those of this build to. */
  readonly cacheFrom?: readonly CacheFrom[];
  readonly cacheTo?: readonly CacheTo[];
  /** Where the result goes; by default into the store. */
  readonly outputs?: readonly BuildOutput[];
  /** What RUN may take of the machine. */
  readonly bounds?: BoundOptions;
  /** Note in the build's record which files each RUN that runs opens. */
  readonly trace?: boolean;
}

export interface BuildResult {
  /** The image ID: the digest of its config. None where only files were asked for. */
  readonly id?: Digest;
  /** Its names in the store, as docker shows them. */
  readonly names: readonly string[];
  /** It is an image of the store now. */
  readonly stored: boolean;
  /** The digest of its manifest, where it was pushed. */
  readonly pushed?: Digest;
}

const NO_CACHES: FarCaches = { has: () => false, blob: () => undefined, ensure: async () => undefined, withoutBroken: () => false };

/** Outputs have ids before those of caches. */
const FIRST_CACHE = 1000;

/** Who sees what a build does, and may end it. */
export interface BuildWatch {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/**
 * Builds an image from a Dockerfile, as `docker build` does (docs: docker build; Dockerfile reference). Steps whose
 * inputs did not change are taken from the store. Throws DockerfileError, ExecuteError, FailedStep, or the signal's reason.
 */
export async function build(laminate: Laminate, options: BuildOptions, { events, signal }: BuildWatch): Promise<BuildResult> {
  const id = laminate.buildIds.next(Date.now());
  using log = new BuildLogWriter(laminate.root, id);
  const logged: EventSink = (event) => {
    log.write(event);
    events(event);
  };
  return await logBuild(laminate, options, { events: logged, signal, id });
}

async function logBuild(laminate: Laminate, options: BuildOptions, { events, signal, id }: BuildWatch & { readonly id: string }): Promise<BuildResult> {
  const { store, env } = laminate;
  const started = Date.now();
  const { tags, outputs = [{ kind: "image" }] } = options;
  namesOf(outputs, tags).forEach(tagName);
  const cacheTo = [...(options.cacheTo ?? []), ...(isTrue(options.buildArgs["BUILDKIT_INLINE_CACHE"]) ? [{ kind: "inline" } as const] : [])];
  const epoch = sourceDate(options.buildArgs);
  const relayer = await relayerFor(outputs, epoch, store, signal);
  await using handed = openHandedThings({ secrets: options.secrets ?? [], agents: options.agents ?? [], env, cwd: options.cwd });
  using opened = await openBuild(laminate, options, { access: handed, events, signal, lazy: options.cacheFrom !== undefined && options.cacheFrom.length > 0 });
  const { context, contexts, bases, lowered, platform, slot } = opened;
  const { target } = options;
  using imports = options.cacheFrom === undefined || options.cacheFrom.length === 0 ? undefined : await (await import("./cache-imports.ts")).CacheImports.open(laminate, options.cacheFrom, { events, signal, platform });
  // A runtime that was asked for is for this build; the shared sandbox keeps its own.
  const { runtime } = options;
  const bounds = options.bounds === undefined ? undefined : (await import("./step-bounds.ts")).stepBounds(options.bounds, { env, runtime });
  const cgroups = bounds?.cgroup !== undefined;
  await using own = runtime === undefined && !cgroups ? undefined : createSandbox({ env, root: store.root, cgroups, entry: laminate.entry, ...(runtime === undefined ? {} : { runtime }) });
  const sandbox = own ?? laminate.sandbox;
  await using travelling = imports === undefined && cacheTo.length === 0 ? undefined : new (await import("./travelling-mounts.ts")).TravellingMounts({ store, env, sandbox }, { far: imports, events });
  const names = namesOf(outputs, tags).map((name) => familiarReference(parseReference(name)));
  const journal = new BuildJournal(store, { id, slot, context: withoutPassword(options.context), dockerfile: context.dockerfile.name, ...(target === undefined ? {} : { target }), names, started }, lowered.graph.vertices, (image) => bases.idOf(image));
  const commands = seenByCommands(lowered.graph);
  const uncached = uncachedStages(options.noCacheStages, lowered, events);
  const selections = new Map<Digest, Digest>();
  const ensure = async (layers: readonly DiffId[]): Promise<void> => void (await Promise.all([bases.ensure(layers), imports?.ensure(layers)]));
  const backend = new BuildBackend({
    store,
    sandbox,
    env,
    clock: Date.now,
    epoch,
    image: async (reference, wanted) => {
      const config = await bases.resolve(reference, wanted).catch((error: unknown) => {
        throw signal.aborted ? error : noImage(nearestSource(reference, lowered.stages, [...contexts.named.keys()]), error);
      });
      return { layers: config.rootfs.diff_ids, ...(config.created === undefined ? {} : { created: config.created }) };
    },
    context: async (name) => (name === "context" ? context.source : await contexts.files(name)),
    handed,
    bounds,
    onNetwork: networkNotice(events),
    onCacheMount: (ask) => travelling?.note(ask),
    travelledMount: travelling === undefined ? undefined : (ask) => travelling.begin(ask),
    imported: imports,
    onSelection: ({ of, files }) => selections.set(of, files),
    ensure,
    onImported: (vertex, key) => journal.noteImported(vertex, imports?.nameOf(key) ?? ""),
    stoodOn: ({ id }) => commands.has(id),
    earlierKey: (vertex) => journal.earlierKey(vertex),
    onReads: options.trace === true ? noteReads(journal, events) : undefined,
  });
  events({ type: "plan", steps: lowered.graph.vertices.map(({ id, name }) => ({ id, name })), time: Date.now() });
  const make = async () => {
    journal.begin();
    const solution = await solve(lowered.graph, backend, {
      signal,
      events,
      clock: Date.now,
      noCache: ({ stage = "" }) => (options.noCache ? "--no-cache" : uncached.has(stage) ? "--no-cache-filter" : undefined),
      onFirstMiss: () => {
        if (lowered.graph.vertices.some(({ operation }) => operation.kind === "run")) sandbox.prepare(); // while the steps before work
      },
      onDecision: (decision, value) => journal.decide(decision, value),
      explainMiss: (vertex, key, noCache) => journal.explain(vertex, key, noCache),
    });
    sandbox.rest();
    const tree = solution.value;
    if (tree.kind === "tree" && outputs.some(({ kind }) => kind !== "nothing")) await ensure(tree.layers);
    const image = await builtImage(lowered, solution.values, { epoch, ...relayer, ...(cacheTo.some(({ kind }) => kind === "inline") ? { inlineCache: journal.cachedSteps() } : {}) });
    return { ...image, record: await putBuilt(laminate, image, outputs, { tags, annotations: options.annotations ?? {} }) };
  };
  let restarted = false;
  const again = (error: unknown): boolean => {
    if (imports?.withoutBroken(error) === true) return true; // of so many caches each can fail once
    if (restarted || !isCollected(error)) return false;
    restarted = true;
    store.leases.activate(); // from here on what is found stays, so that once more is enough
    events({ type: "notice", message: "another command pruned what this build had found in the cache: it starts again", time: Date.now() });
    return true;
  };
  const built = await repeated(make, again)
    .catch(async (error: unknown) => {
      await journal.end(signal.aborted ? "cancelled" : "failed", { error: reasonOf(error), ...(error instanceof SolveError ? { failed: error.vertex } : {}) }).catch(() => undefined); // the build's own failure is what is to be told
      if (!signal.aborted) await boundCache(laminate, journal, events);
      throw error instanceof SolveError ? new FailedStep(error, context.dockerfile.text) : error;
    });
  if (await journal.end("succeeded", built.record === undefined ? {} : { image: built.record.id })) await store.settleOld();
  tellBroken(store, events);
  for (const [from, count] of journal.imported()) events({ type: "notice", message: `${count} ${count === 1 ? "step was" : "steps were"} found in the cache of ${from}`, time: Date.now() });
  const leaving = outputs.filter((output) => output.kind !== "image" || output.push === true);
  const pushed = leaving.length === 0 ? undefined : await (await import("./write-outputs.ts")).writeOutputs(laminate, built, leaving, tags, { events, signal, epoch, firstId: lowered.graph.vertices.length });
  if (cacheTo.length > 0) {
    const { exportCaches } = await import("./cache-exports.ts");
    await exportCaches(laminate, cacheTo, { steps: journal.cachedSteps(), selections: [...selections].sort().map(([of, files]) => ({ of, files })), image: built.layers, far: imports ?? NO_CACHES, mounts: travelling! }, { events, signal, firstId: lowered.graph.vertices.length + FIRST_CACHE });
  }
  await boundCache(laminate, journal, events);
  return {
    names,
    stored: outputs.some(({ kind }) => kind === "image"),
    ...(built.record === undefined ? {} : { id: built.record.id }),
    ...(pushed === undefined ? {} : { pushed }),
  };
}

/** Does work again as long as its failure is one after which it may succeed. */
async function repeated<T>(work: () => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!again(error)) throw error;
    }
  }
}

/** Records that nobody can read are misses and go; whoever wonders why a step ran is to know. */
function tellBroken({ records }: Store, events: EventSink): void {
  const broken = records.removeBroken();
  if (broken.length === 0) return;
  const kinds = [...new Set(broken)].sort().join(", ");
  events({ type: "warning", message: `${broken.length === 1 ? "a damaged record of the store counted" : `${broken.length} damaged records of the store counted`} as none and went (${kinds})`, time: Date.now() });
}

/** Only what makes layers makes the cache grow, so a build that found everything asks nothing. */
async function boundCache(laminate: Laminate, journal: BuildJournal, events: EventSink): Promise<void> {
  const layers = journal.newLayers();
  if (layers.length > 0) await (await import("./keep-within-limit.ts")).keepWithinLimit(laminate, layers, events);
}

/** Whether a build failed because something that it had found was removed from the store. */
function isCollected(error: unknown): boolean {
  const cause = error instanceof SolveError ? error.cause : error;
  return cause instanceof StoreFailure && (cause.code === "collected" || cause.code === "not-found");
}

async function relayerFor(outputs: readonly BuildOutput[], epoch: number | undefined, store: Store, signal: AbortSignal): Promise<Pick<DatedOptions, "relayer">> {
  if (!outputs.some((output) => "rewriteTimes" in output)) return {};
  if (epoch === undefined) throw new BuildFailure("bad-epoch", "rewrite-timestamp of --output needs SOURCE_DATE_EPOCH", { hint: "as in --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" });
  const { clampTimes } = await import("../executors/clamp-times.ts");
  return { relayer: (layer) => clampTimes(store, layer, BigInt(epoch) * 1_000_000n, signal) };
}

/** An image of COPY --from that is not to be had may have been meant to be a stage. */
function noImage(hint: string | undefined, cause: unknown): unknown {
  return hint === undefined ? cause : new ExecuteError("not-found", reasonOf(cause), { cause, hint });
}

/** Reads go into the journal; that they cannot be had is said once. */
function noteReads(journal: BuildJournal, events: EventSink): (vertex: Vertex, reads: RunReads) => void {
  let told = false;
  return (vertex, reads) => {
    journal.noteReads(vertex, reads);
    if ("reason" in reads && !told) events({ type: "warning", message: `--trace: what RUN reads is not known: ${reads.reason}`, time: Date.now() });
    told = true;
  };
}

/** One notice a build, for the first step that had to share the host's network without asking for it. */
function networkNotice(events: EventSink): (network: { readonly kind: string; readonly reason?: string }) => void {
  let told = false;
  return ({ kind, reason }) => {
    if (kind === "host" && reason !== undefined && !told) {
      told = true;
      const event: BuildEvent = { type: "notice", message: `RUN uses the host's network: ${reason}`, time: Date.now() };
      events(event);
    }
  };
}
