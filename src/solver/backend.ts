import type { Json } from "../base/canonical-json.ts";
import type { Vertex } from "../graph/vertex.ts";
import type { Digest } from "../oci/digest.ts";

/** The digest of a step's ingredients. Equal keys mean: the same work on the same inputs. */
export type CacheKey = Digest & { readonly __cacheKey: true };

/** A cache key and what went into it, so that a later miss can name its cause. */
export interface StepKey {
  readonly key: CacheKey;
  /** Everything that is hashed into the key, by name. */
  readonly ingredients: { readonly [name: string]: Json };
  /** What lies behind the ingredient `files`, for saying what changed: a line a file, `path NUL mode digest`. Asked for only then. */
  readonly files?: () => Promise<Buffer>;
  /** One of these that is a small text. */
  readonly text?: (path: string) => Promise<string | undefined>;
}

/** What became of a step and why; stored for every step of every build. */
export interface Decision extends StepKey {
  readonly vertex: Vertex;
  readonly outcome: "source" | "cached" | "ran";
  /** Milliseconds from start to end. */
  readonly duration: number;
}

export interface ExecuteContext {
  readonly signal: AbortSignal;
  readonly log: (stream: "stdout" | "stderr", data: string) => void;
  readonly progress: (item: string, current: number, total: number | undefined, done: boolean) => void;
}

/** What the solver asks of the world. `V` is a step's result; the solver never looks into it. */
export interface Backend<V> {
  /** Whether the vertex is a source, which is resolved anew in each build and has no cache record. */
  isSource(vertex: Vertex): boolean;
  /** The step's key, from the operation and its inputs' results. May read what the operation selects, and nothing else. */
  key(vertex: Vertex, inputs: readonly V[], context: ExecuteContext): Promise<StepKey>;
  /** A result stored under this key whose materials are still there. */
  lookup(vertex: Vertex, key: StepKey, inputs: readonly V[]): Promise<V | undefined>;
  /** A result that is here already and that the step would give again, where that can be told without doing the work. */
  recognize(vertex: Vertex, key: StepKey, inputs: readonly V[], context: ExecuteContext): Promise<V | undefined>;
  /** Does the work. Lets nothing half-made into the store. */
  execute(vertex: Vertex, key: StepKey, inputs: readonly V[], context: ExecuteContext): Promise<V>;
  /** Stores a result under its key, once it is safe; `took` is what it cost, milliseconds. */
  remember(vertex: Vertex, key: StepKey, value: V, took: number): Promise<void>;
  /** Waits until no other build, in this process or another, works on this key. */
  claim(key: CacheKey): Promise<AsyncDisposable>;
}
