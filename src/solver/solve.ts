import { reasonOf } from "../base/failure.ts";
import { Semaphore } from "../base/semaphore.ts";
import type { EventSink } from "../events/build-event.ts";
import type { Graph, Vertex, VertexId } from "../graph/vertex.ts";
import type { Backend, Decision, ExecuteContext, StepKey } from "./backend.ts";
import { SolveError } from "./solve-error.ts";

export interface SolveOptions<V> {
  readonly signal: AbortSignal;
  readonly events: EventSink;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Of steps that may not be taken from the cache, the flag that says so. Their results are remembered all the same. */
  readonly noCache: (vertex: Vertex) => string | undefined;
  /** Told of each step when it is over, inputs before those that need them; of one that failed it is not. */
  readonly onDecision?: (decision: Decision, value: V) => void;
  /** Called once, when a step was not found: most likely it has to run. */
  readonly onFirstMiss?: () => void;
  /** Called for each step that has to run, before it starts; the sentence is shown. */
  readonly explainMiss: (vertex: Vertex, key: StepKey, noCache: string | undefined) => Promise<string | undefined>;
}

export interface Solution<V> {
  readonly value: V;
  /** The result of every vertex. */
  readonly values: ReadonlyMap<VertexId, V>;
}

/** Steps that work at the same time; most of them wait for a process or the disk. */
const STEPS_AT_ONCE = 16;

/**
 * Computes a graph's target: every vertex once, inputs first, independent ones at the same time.
 * The first failure cancels all that still works. Throws {@link SolveError}, or the signal's reason when aborted.
 */
export async function solve<V>(graph: Graph, backend: Backend<V>, options: SolveOptions<V>): Promise<Solution<V>> {
  const run = new SolveRun(graph, backend, options);
  return run.solution();
}

class SolveRun<V> {
  readonly #graph: Graph;
  readonly #backend: Backend<V>;
  readonly #options: SolveOptions<V>;
  readonly #cancel = new AbortController();
  readonly #signal: AbortSignal;
  readonly #workers = new Semaphore(STEPS_AT_ONCE);
  readonly #results = new Map<VertexId, Promise<V>>();
  readonly #values = new Map<VertexId, V>();
  readonly #remembering: Promise<void>[] = [];
  #missed = false;
  #firstError: unknown;

  constructor(graph: Graph, backend: Backend<V>, options: SolveOptions<V>) {
    this.#graph = graph;
    this.#backend = backend;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#cancel.signal]);
  }

  async solution(): Promise<Solution<V>> {
    const all = this.#graph.vertices.map((vertex) => this.#result(vertex.id));
    await Promise.allSettled(all);
    await Promise.all(this.#remembering);
    this.#options.signal.throwIfAborted();
    if (this.#firstError !== undefined) {
      throw this.#firstError;
    }
    return { value: this.#values.get(this.#graph.target) as V, values: this.#values };
  }

  #result(id: VertexId): Promise<V> {
    const known = this.#results.get(id);
    if (known) {
      return known;
    }
    const vertex = this.#graph.vertices[id];
    if (vertex === undefined) {
      throw new Error(`Internal error: vertex ${id} is not in the graph`);
    }
    const result = this.#solveVertex(vertex);
    this.#results.set(id, result);
    return result;
  }

  async #solveVertex(vertex: Vertex): Promise<V> {
    const inputs = await Promise.all(vertex.inputs.map((input) => this.#result(input)));
    return this.#workers.run(async () => {
      try {
        this.#signal.throwIfAborted();
        const value = await this.#decide(vertex, inputs);
        this.#values.set(vertex.id, value);
        return value;
      } catch (error) {
        throw this.#fail(vertex, error);
      }
    });
  }

  async #decide(vertex: Vertex, inputs: readonly V[]): Promise<V> {
    const started = this.#options.clock();
    const context = this.#context(vertex);
    const source = this.#backend.isSource(vertex);
    if (source) {
      this.#emit(vertex, "step-started");
    }
    const key = await this.#backend.key(vertex, inputs, context);
    if (source) {
      const value = await this.#backend.execute(vertex, key, inputs, context);
      return this.#done(vertex, key, "source", started, value);
    }
    const noCache = this.#options.noCache(vertex);
    const cached = noCache !== undefined ? undefined : await this.#backend.lookup(vertex, key, inputs);
    if (cached !== undefined) {
      return this.#done(vertex, key, "cached", started, cached);
    }
    await using claims = new AsyncDisposableStack();
    claims.use(await this.#backend.claim(key.key));
    const meanwhile = noCache !== undefined ? undefined : await this.#backend.lookup(vertex, key, inputs);
    if (meanwhile !== undefined) {
      return this.#done(vertex, key, "cached", started, meanwhile);
    }
    this.#signal.throwIfAborted();
    this.#miss();
    const recognized = noCache !== undefined ? undefined : await this.#backend.recognize(vertex, key, inputs, context);
    if (recognized !== undefined) {
      return this.#done(vertex, key, "cached", started, recognized);
    }
    await this.#explain(vertex, key, noCache);
    this.#emit(vertex, "step-started");
    const began = this.#options.clock();
    const value = await this.#backend.execute(vertex, key, inputs, context);
    this.#remember({ vertex, key, value, took: this.#options.clock() - began }, claims.move());
    return this.#done(vertex, key, "ran", started, value);
  }

  /** A result is used before it is on the disk, but only remembered after; until then its claim is held, so that nobody makes it again. */
  #remember({ vertex, key, value, took }: { readonly vertex: Vertex; readonly key: StepKey; readonly value: V; readonly took: number }, claim: AsyncDisposable): void {
    const remembered = this.#backend.remember(vertex, key, value, took).catch((error: unknown) => void this.#fail(vertex, error));
    this.#remembering.push(remembered.finally(() => claim[Symbol.asyncDispose]()));
  }

  #done(vertex: Vertex, key: StepKey, outcome: Decision["outcome"], started: number, value: V): V {
    this.#options.onDecision?.({ ...key, vertex, outcome, duration: this.#options.clock() - started }, value);
    this.#emit(vertex, outcome === "cached" ? "step-cached" : "step-finished");
    return value;
  }

  #miss(): void {
    if (!this.#missed) this.#options.onFirstMiss?.();
    this.#missed = true;
  }

  async #explain(vertex: Vertex, key: StepKey, noCache: string | undefined): Promise<void> {
    const message = await this.#options.explainMiss(vertex, key, noCache);
    if (message !== undefined) {
      this.#options.events({ type: "miss", id: vertex.id, message, time: this.#options.clock() });
    }
  }

  #fail(vertex: Vertex, error: unknown): unknown {
    const cancelled = this.#signal.aborted && (error === this.#signal.reason || this.#firstError !== undefined);
    const base = { id: vertex.id, name: vertex.name, time: this.#options.clock() };
    if (cancelled || this.#options.signal.aborted) {
      this.#options.events({ type: "step-cancelled", ...base });
      return error;
    }
    this.#options.events({ type: "step-failed", ...base, message: reasonOf(error) });
    this.#firstError = new SolveError(vertex, error);
    this.#cancel.abort(new DOMException("another step failed", "AbortError"));
    return this.#firstError;
  }

  #emit(vertex: Vertex, type: "step-started" | "step-cached" | "step-finished"): void {
    this.#options.events({ type, id: vertex.id, name: vertex.name, time: this.#options.clock() });
  }

  #context(vertex: Vertex): ExecuteContext {
    const { events, clock } = this.#options;
    return {
      signal: this.#signal,
      log: (stream, data) => events({ type: "step-log", id: vertex.id, stream, data, time: clock() }),
      progress: (item, current, total, done) =>
        events({ type: "progress", id: vertex.id, item, current, ...(total === undefined ? {} : { total }), done, time: clock() }),
    };
  }
}
