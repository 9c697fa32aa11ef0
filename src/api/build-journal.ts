import { existsSync } from "node:fs";
import { canonicalJson } from "../base/canonical-json.ts";
import { type BuildRecord, counterpart, isBuildRecord, type RecordedReads, type StepName, stepRecord, type StepFacts } from "../explain/build-record.ts";
import { type Cause, causeText } from "../explain/cause.ts";
import { findCause, type FoundCause, stepName } from "../explain/find-cause.ts";
import { placeOf } from "../explain/slot.ts";
import type { RunReads } from "../executors/run/run-layer.ts";
import type { Value } from "../executors/value.ts";
import type { Vertex, VertexId } from "../graph/vertex.ts";
import { chainIdOf, type DiffId, type Digest } from "../oci/digest.ts";
import type { CachedStep } from "../oci/build-cache.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";
import type { Decision, StepKey } from "../solver/backend.ts";
import { layerText, linesChanged } from "./layer-text.ts";
import { BuildRecords } from "../store/build-records.ts";
import type { Store } from "../store/store.ts";

/** Earlier builds that a miss is compared with. */
const COMPARED = 10;

/** What is known of a build before it decides anything. */
export type BuildIdentity = Pick<BuildRecord, "id" | "slot" | "context" | "dockerfile" | "target" | "names" | "started">;

interface Comparable {
  /** Earlier builds that misses are compared with, the newest first. */
  readonly earlier: readonly BuildRecord[];
  /** Whether there are other builds of the same context. */
  readonly others: boolean;
}

interface Decided {
  readonly decision: Decision;
  readonly facts: StepFacts;
  /** When its result was made, RFC 3339. */
  readonly made: string | undefined;
}

/** What a build decides and why, while it goes on; kept at its end for later misses and for those who ask. */
export class BuildJournal {
  readonly #store: Store;
  readonly #builds: BuildRecords<BuildRecord>;
  readonly #identity: BuildIdentity;
  readonly #idOf: (canonical: string) => string | undefined;
  readonly #latest: BuildRecord | undefined;
  readonly #planned: readonly StepName[];
  readonly #decided = new Map<VertexId, Decided>();
  readonly #causes = new Map<VertexId, { readonly cause: Cause; readonly against?: string }>();
  readonly #made = new Map<VertexId, CachedStep>();
  readonly #imported = new Map<VertexId, string>();
  #comparable: Comparable | undefined;
  readonly #reads = new Map<VertexId, RunReads>();

  /** `vertices` are all that the build is to decide; `idOf` knows images that are not in the store. */
  constructor(store: Store, identity: BuildIdentity, vertices: readonly Vertex[], idOf: (canonical: string) => string | undefined = () => undefined) {
    this.#store = store;
    this.#planned = vertices.map(stepName);
    this.#idOf = (canonical) => idOf(canonical) ?? store.images.get(canonical)?.id;
    this.#identity = identity;
    this.#builds = new BuildRecords(store.records, isBuildRecord);
    this.#latest = this.#builds.latest(identity.slot);
  }

  /** The key that the step had in the last build. */
  earlierKey(vertex: Vertex): string | undefined {
    return this.#latest === undefined ? undefined : counterpart(stepName(vertex), this.#latest.steps)?.key;
  }

  /** The steps that ran or were found, as other machines may take them. */
  cachedSteps(): CachedStep[] {
    return [...this.#made.values()];
  }

  /** A step was found in a cache that lies elsewhere. */
  noteImported({ id }: Vertex, from: string): void {
    this.#imported.set(id, from);
  }

  /** Notes what a RUN read. */
  noteReads({ id }: Vertex, reads: RunReads): void {
    this.#reads.set(id, reads);
  }

  /** How many steps were found elsewhere, by where. */
  imported(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const from of this.#imported.values()) counts.set(from, (counts.get(from) ?? 0) + 1);
    return counts;
  }

  /** The layers that this build made, or has from elsewhere. */
  newLayers(): DiffId[] {
    return [...this.#made].flatMap(([id, { layer }]) => (this.#decided.get(id)?.decision.outcome === "ran" || this.#imported.has(id) ? [layer] : []));
  }

  /** A build that has to begin anew decides everything again. */
  begin(): void {
    this.#decided.clear();
    this.#causes.clear();
    this.#made.clear();
    this.#imported.clear();
    this.#reads.clear();
  }

  decide(decision: Decision, value: Value): void {
    const { id } = decision.vertex;
    const from = this.#imported.get(id);
    this.#decided.set(id, { decision, facts: { ...this.#resultOf(decision, value), ...this.#causes.get(id), ...(from === undefined ? {} : { from }) }, made: value.kind === "tree" ? value.created : undefined });
    const layer = value.kind === "tree" ? value.layers.at(-1) : undefined;
    if (decision.outcome !== "source" && layer !== undefined && value.kind === "tree" && value.created !== undefined) this.#made.set(id, { key: decision.key, layer, created: value.created });
  }

  /** Why a step runs, as a sentence; undefined where nothing is there to compare with. */
  async explain(vertex: Vertex, key: StepKey, noCache: string | undefined): Promise<string | undefined> {
    const found = noCache === undefined ? await this.compare(vertex, key) : { cause: { kind: "asked", flag: noCache } as const };
    if (found === undefined) return undefined;
    const never = found.cause.kind === "never";
    const said = never && [...this.#causes.values()].some(({ cause }) => cause.kind === "never");
    this.blame(vertex, found);
    // Of a Dockerfile that is new one line is enough.
    return said ? undefined : `${vertex.name} runs${never ? "" : " again"}: ${causeText(found.cause)}`;
  }

  /** Notes why a step runs: the causes of those above it lead there. */
  blame({ id }: Vertex, found: { readonly cause: Cause; readonly against?: string }): void {
    this.#causes.set(id, found);
  }

  /** Why a step runs, as far as that was noted. */
  causeOf(id: VertexId): Cause | undefined {
    return this.#causes.get(id)?.cause;
  }

  /** Keeps the build and says so, unless nothing about it is new: all was cached, as in the last one. */
  async end(outcome: BuildRecord["outcome"], { image, error, failed }: { readonly image?: string; readonly error?: string; readonly failed?: Vertex } = {}): Promise<boolean> {
    const decided = [...this.#decided.values()].sort((a, b) => a.decision.vertex.id - b.decision.vertex.id);
    const makers = new Map(decided.flatMap(({ decision, facts }) => (facts.layer === undefined ? [] : [[facts.layer, decision.vertex.id] as const])));
    const steps = decided.map(({ decision, facts }) => {
      const reads = this.#reads.get(decision.vertex.id);
      return stepRecord(decision, reads === undefined ? facts : { ...facts, reads: recordedReads(reads, makers) });
    });
    const same = this.#latest !== undefined && keysOf(steps) === keysOf(this.#latest.steps);
    if (outcome === "succeeded" && same && !steps.some((step) => step.outcome === "ran")) return false;
    for (const { decision } of decided) {
      const files = decision.ingredients["files"];
      if (outcome === "succeeded" && decision.files !== undefined && files !== null) this.#store.selections.put(files as Digest, await decision.files());
    }
    const { target, ...identity } = this.#identity;
    const record: BuildRecord = {
      ...identity,
      ...(target === undefined ? {} : { target }),
      duration: Date.now() - identity.started,
      outcome,
      ...(image === undefined ? {} : { image }),
      ...(error === undefined ? {} : { error }),
      ...(failed === undefined ? {} : { failed: stepName(failed) }),
      steps,
    };
    this.#builds.put(record, outcome === "succeeded");
    return true;
  }

  /** What differs from the like step of an earlier build; undefined where there is none. */
  async compare(vertex: Vertex, key: StepKey): Promise<FoundCause | undefined> {
    const { cache, selections } = this.#store;
    this.#comparable ??= this.#findComparable();
    return await findCause(vertex, key, {
      ...this.#comparable,
      planned: this.#planned,
      removedAt: (step) => cache.removedAt(step),
      filesOf: (digest) => selections.get(digest),
      decided: (id) => {
        const known = this.#decided.get(id);
        return known === undefined ? undefined : { vertex: known.decision.vertex, key: known.decision, result: known.facts.result, made: known.made, cause: this.#causes.get(id)?.cause };
      },
      linesChanged: async ({ path, before }, { text }, { layer }) => {
        // It only helps to say what changed: of a layer that is not there, nothing is said.
        const [then, now] = await Promise.all([layerText(this.#store, layer, before!.content), text?.(path)]).catch(() => []);
        return then === undefined || now === undefined ? undefined : linesChanged(then, now);
      },
    });
  }

  /** The last builds of the same Dockerfile and target; where there is none, those of a directory that is gone and had the same steps: this one, before it was moved or checked out anew. */
  #findComparable(): Comparable {
    const builds = this.#builds.list().filter(({ steps }) => steps.length > 0);
    const own = builds.filter(({ slot }) => slot === this.#identity.slot);
    const steps = stepsOf(this.#planned);
    const moved = () => builds.filter((build) => stepsOf(build.steps) === steps && !existsSync(placeOf(build.slot)));
    return { earlier: (own.length > 0 ? own : moved()).slice(0, COMPARED), others: builds.some(({ slot }) => placeOf(slot) === placeOf(this.#identity.slot)) };
  }

  #resultOf({ vertex: { operation } }: Decision, value: Value): StepFacts {
    if (value.kind !== "tree") return {};
    const chain = chainIdOf(value.layers);
    const layer = value.layers.at(-1);
    // People know a base image by its ID.
    const id = operation.kind === "image" ? this.#idOf(canonicalReference(parseReference(operation.reference))) : undefined;
    return { result: id ?? chain, ...(operation.kind === "image" ? {} : { layer }) };
  }
}

/** Paths that are kept of a step. */
const MOST_READS = 2000;

/** What a RUN read, told by the steps that made it. */
function recordedReads(reads: RunReads, makers: ReadonlyMap<string, VertexId>): RecordedReads {
  if ("reason" in reads) return reads;
  const own = [...reads.files.map((one) => ({ ...one, kind: "files" as const })), ...reads.directories.map((one) => ({ ...one, kind: "directories" as const }))].filter(({ layer }) => makers.has(layer));
  const of: Record<string, { files: string[]; directories: string[] }> = {};
  for (const { path, layer, kind } of own.slice(0, MOST_READS)) (of[makers.get(layer)!] ??= { files: [], directories: [] })[kind].push(path);
  return { of, base: reads.files.filter(({ layer }) => !makers.has(layer)).length, left: Math.max(0, own.length - MOST_READS) };
}

/** What a Dockerfile does, in one text. */
function stepsOf(steps: readonly StepName[]): string {
  return steps.flatMap(({ name, kind }) => (kind === "run" || kind === "copy" || kind === "mkdir" ? [name] : [])).join("\n");
}

function keysOf(steps: BuildRecord["steps"]): string {
  return canonicalJson(steps.map(({ key, result = null }) => ({ key, result })));
}
