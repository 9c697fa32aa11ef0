import { Failure } from "../base/failure.ts";
import type { Vertex } from "../graph/vertex.ts";
import { digestOf } from "../oci/digest.ts";
import type { Backend, CacheKey, ExecuteContext, StepKey } from "../solver/backend.ts";
import type { StepResult } from "../store/cache-records.ts";
import type { Store } from "../store/store.ts";
import { type BuildBackend, dependsOnBase, onTop } from "./build-backend.ts";
import type { SupposedLayers } from "./supposed-layers.ts";
import type { TreeValue, Value } from "./value.ts";

/** What is known of a step's result before it ran. */
export interface Foreseen {
  /** The result itself, of layers that are here or are known to be made so; or, where that is not certain, what the step gave in an earlier build. */
  readonly value: Value | undefined;
  /** The steps that would run and have to give what they gave, so that `value` is the result. None where it is certain. */
  readonly unless: readonly Vertex[];
  /** It is, or stands on, an image that is taken for another one. What stands right on that has to run; of what stands higher nothing was built before. */
  readonly other?: "itself" | "below";
}

/** What would become of a step. */
export type Outlook =
  /** A context, or an image that is here. */
  | { readonly outcome: "source" }
  /** An image that is not here. */
  | { readonly outcome: "fetched" }
  | { readonly outcome: "reused" }
  /** It runs, whatever these steps below it give. */
  | { readonly outcome: "runs"; readonly after: readonly Vertex[] }
  /** It runs unless these steps, or what is behind its own URL, give what they gave; and then it does what `ifSame` says. */
  | { readonly outcome: "depends"; readonly unless: readonly Vertex[]; readonly ifSame: "reused" | "runs" };

export interface DryWorld {
  readonly store: Store;
  /** Knows of the layers that would be made. The backend looks into it too. */
  readonly layers: SupposedLayers;
  /** Whether an image is here, is not, or is to be taken for another one than it is. */
  readonly image: (reference: string) => "here" | "absent" | "other";
  /** The key that the step had in the last build. */
  readonly earlierKey: (vertex: Vertex) => string | undefined;
}

const EMPTY: Value = { kind: "tree", layers: [] };

/**
 * A backend for the solver that runs nothing and writes nothing, and tells of each step what would become of it. Keys
 * are the build's own. Below a step that would run it presumes that the step gives what it gave before, and says so.
 */
export class DryRun implements Backend<Foreseen> {
  readonly #backend: BuildBackend;
  readonly #world: DryWorld;
  readonly #outlooks = new Map<Vertex, Outlook>();
  /** Steps of which no key can be made: what they take is not known before something else ran. */
  readonly #unknown = new Set<Vertex>();
  /** What an uncertain step would reuse. */
  readonly #presumed = new Map<Vertex, Value>();

  constructor(backend: BuildBackend, world: DryWorld) {
    this.#backend = backend;
    this.#world = world;
  }

  outlook(vertex: Vertex): Outlook {
    return this.#outlooks.get(vertex)!;
  }

  isSource(vertex: Vertex): boolean {
    return this.#backend.isSource(vertex);
  }

  async key(vertex: Vertex, inputs: readonly Foreseen[], context: ExecuteContext): Promise<StepKey> {
    const { operation } = vertex;
    if (operation.kind === "copy" && operation.urls.length > 0) return this.#noKey(vertex);
    if (inputs.slice(1).some(({ value }) => value === undefined)) return this.#noKey(vertex);
    try {
      return await this.#backend.key(vertex, inputs.map(({ value }) => value ?? EMPTY), context);
    } catch (error) {
      // What it takes may be there once the steps below have run.
      if (!(error instanceof Failure) || inputs.every(isCertain)) throw error;
      return this.#noKey(vertex);
    }
  }

  async lookup(vertex: Vertex, key: StepKey, inputs: readonly Foreseen[]): Promise<Foreseen | undefined> {
    const [base, ...others] = inputs as readonly [Foreseen, ...Foreseen[]];
    const known = !this.#unknown.has(vertex);
    const ownIsCertain = known && others.every(isCertain);
    const needsBase = dependsOnBase(vertex.operation);
    if (ownIsCertain && (!needsBase || isCertain(base))) {
      const found = await this.#backend.find(key, [base.value ?? EMPTY]);
      if (found === undefined) return this.#note(vertex, { outcome: "runs", after: waitsOf(inputs) });
      this.#note(vertex, { outcome: "reused" });
      return { value: over(base, found.result), unless: base.unless, ...otherBelow(base) };
    }
    if (needsBase && base.other === "itself") return this.#note(vertex, { outcome: "runs", after: waitsOf(inputs) });
    if (ownIsCertain && !this.#backend.everRan(key)) return this.#note(vertex, { outcome: "runs", after: waitsOf(inputs) });
    const ifSame = needsBase && base.other !== undefined ? "runs" : await this.#presume(vertex, known ? key : undefined, inputs);
    return this.#note(vertex, { outcome: "depends", unless: waitsOf(inputs), ifSame });
  }

  /** As a build does: a COPY depends on what is below it only where its files go. */
  async recognize(vertex: Vertex, key: StepKey, inputs: readonly Foreseen[], context: ExecuteContext): Promise<Foreseen | undefined> {
    const [base] = inputs as readonly [Foreseen];
    if (this.#unknown.has(vertex) || this.#world.store.cache.removedAt(key.key) !== undefined || inputs.some(({ value, other }) => value === undefined || other !== undefined)) return undefined;
    const foreseen = await this.#backend.foresee(vertex, inputs.map(({ value }) => value!), context).catch(() => undefined);
    if (foreseen === undefined || !("known" in foreseen)) return undefined;
    this.#note(vertex, inputs.every(isCertain) ? { outcome: "reused" } : { outcome: "depends", unless: waitsOf(inputs), ifSame: "reused" });
    return { value: over(base, { layer: foreseen.known, created: "" }), unless: waitsOf(inputs) };
  }

  async execute(vertex: Vertex, key: StepKey, inputs: readonly Foreseen[], context: ExecuteContext): Promise<Foreseen> {
    if (this.isSource(vertex)) return await this.#source(vertex, key, context);
    const outlook = this.outlook(vertex);
    const [base] = inputs as readonly [Foreseen];
    const waits = waitsOf(inputs);
    if (outlook.outcome === "depends") {
      const own = this.#unknown.has(vertex) && waits.length === 0 ? [vertex] : waits;
      return { value: this.#presumed.get(vertex) ?? this.#earlier(vertex, base), unless: own, ...otherBelow(base) };
    }
    const foreseen = inputs.every(isCertain) ? await this.#backend.foresee(vertex, inputs.map(({ value }) => value!), context) : undefined;
    if (foreseen === undefined) return { value: this.#earlier(vertex, base), unless: [...waits, vertex], ...otherBelow(base) };
    const layer = "known" in foreseen ? foreseen.known : this.#world.layers.suppose(foreseen.fresh);
    return { value: over(base, { layer, created: "" }), unless: [] };
  }

  async remember(): Promise<void> {}

  async claim(): Promise<AsyncDisposable> {
    return { async [Symbol.asyncDispose]() {} };
  }

  async #source(vertex: Vertex, key: StepKey, context: ExecuteContext): Promise<Foreseen> {
    const { operation } = vertex;
    const state = operation.kind === "image" ? this.#world.image(operation.reference) : "here";
    this.#outlooks.set(vertex, { outcome: state === "absent" ? "fetched" : "source" });
    if (state === "absent") return { value: undefined, unless: [vertex] };
    const value = await this.#backend.execute(vertex, key, [], context);
    return state === "other" ? { value, unless: [vertex], other: "itself" } : { value, unless: [] };
  }

  #noKey(vertex: Vertex): StepKey {
    this.#unknown.add(vertex);
    return { key: digestOf(vertex.name) as CacheKey, ingredients: {} };
  }

  /** What a step does if all that it waits for is as it was. */
  async #presume(vertex: Vertex, key: StepKey | undefined, inputs: readonly Foreseen[]): Promise<"reused" | "runs"> {
    const [base] = inputs as readonly [Foreseen];
    const found = base.value === undefined || key === undefined ? undefined : await this.#backend.find(key, [base.value]);
    // Where no key can be made, what it takes is presumed to be what it was.
    const presumed = key === undefined ? this.#earlier(vertex, base) : found === undefined ? undefined : over(base, found.result);
    if (presumed === undefined) return "runs";
    this.#presumed.set(vertex, presumed);
    return "reused";
  }

  /** What the like step gave in the last build, over what is presumed below it. */
  #earlier(vertex: Vertex, base: Foreseen): TreeValue | undefined {
    const { cache, layers } = this.#world.store;
    const key = this.#world.earlierKey(vertex);
    const result = key === undefined ? undefined : cache.step(key);
    return result === undefined || base.value === undefined || !layers.has(result.layer) ? undefined : onTop([base.value], result);
  }

  #note(vertex: Vertex, outlook: Outlook): undefined {
    this.#outlooks.set(vertex, outlook);
  }
}

function otherBelow({ other }: Foreseen): Pick<Foreseen, "other"> {
  return other === undefined ? {} : { other: "below" };
}

function isCertain({ value, unless }: Foreseen): boolean {
  return value !== undefined && unless.length === 0;
}

function waitsOf(inputs: readonly Foreseen[]): readonly Vertex[] {
  return [...new Set(inputs.flatMap(({ unless }) => unless))].toSorted((a, b) => a.id - b.id);
}

function over(base: Foreseen, result: StepResult): TreeValue | undefined {
  return base.value === undefined ? undefined : onTop([base.value], result);
}
