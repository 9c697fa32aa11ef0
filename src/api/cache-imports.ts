import { Failure, reasonOf } from "../base/failure.ts";
import type { EventSink } from "../events/build-event.ts";
import type { CachedMount } from "../oci/build-cache.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { Platform } from "../oci/platform.ts";
import { parseReference } from "../oci/reference.ts";
import { Session } from "../registry/session.ts";
import type { StepResult } from "../store/cache-records.ts";
import type { CacheSource } from "../transfer/cache-source.ts";
import { StoreFailure } from "../store/store-error.ts";
import { openRegistryCache } from "../transfer/registry-cache.ts";
import type { ActionsCache } from "../transfer/actions/actions-keys.ts";
import type { BucketCache } from "../transfer/s3/bucket-keys.ts";
import { cacheName } from "./cache-name.ts";
import type { Laminate } from "./laminate.ts";
import { sayRetry } from "./say-retry.ts";

/** Where steps that others made may be found (docker build --cache-from). */
export type CacheFrom = FarCache & {
  /** False leaves the cache mounts that are there away. */
  readonly mounts?: boolean;
};

type FarCache =
  | { readonly kind: "registry"; readonly reference: string; readonly insecure?: boolean }
  | { readonly kind: "local"; readonly directory: string; readonly tag?: string; readonly digest?: string }
  | ({ readonly kind: "s3" } & BucketCache)
  | ({ readonly kind: "gha" } & ActionsCache);

/** Who is told how caches are read, and for which platform an image of several is meant. */
export interface ImportWatch {
  readonly events: EventSink;
  readonly signal: AbortSignal;
  readonly platform: Platform;
}

/** What a cache lists could not be had: the build begins anew without that cache. */
class BrokenCache extends Failure {
  readonly code = "broken-cache" as const;
  readonly source: CacheSource;

  constructor(source: CacheSource, cause: unknown) {
    super(`fetch from the cache of ${source.name}: ${reasonOf(cause)}`, { cause });
    this.source = source;
  }
}

/** The steps of caches that lie elsewhere. Nothing but their lists is fetched before a layer is asked for. */
export class CacheImports implements Disposable {
  readonly #store: Laminate["store"];
  readonly #watch: ImportWatch;
  readonly #opened: readonly CacheSource[];
  #sources: readonly CacheSource[];
  #steps = new Map<string, { readonly result: StepResult; readonly source: CacheSource }>();
  #layers = new Map<DiffId, CacheSource>();
  #selections = new Map<string, { readonly files: Digest; readonly source: CacheSource }>();
  #mounts = new Map<string, { readonly mount: CachedMount; readonly source: CacheSource }>();
  readonly #fetching = new Map<DiffId, Promise<void>>();

  private constructor(store: Laminate["store"], sources: readonly CacheSource[], watch: ImportWatch) {
    this.#store = store;
    this.#opened = sources;
    this.#sources = sources;
    this.#watch = watch;
    this.#list();
  }

  /** Opens caches, all at once; one that cannot be read is said and left out, as with docker. */
  static async open(laminate: Pick<Laminate, "store" | "env">, from: readonly CacheFrom[], watch: ImportWatch): Promise<CacheImports> {
    const opened = await Promise.all(
      from.map(async (one) => {
        try {
          const source = await openOne(laminate, one, watch);
          return one.mounts === false ? { ...source, cache: { ...source.cache, mounts: [] } } : source;
        } catch (error) {
          watch.signal.throwIfAborted();
          leftOut(watch, cacheName(one), error);
          return undefined;
        }
      }),
    );
    return new CacheImports(laminate.store, opened.filter((one) => one !== undefined), watch);
  }

  step(key: string): StepResult | undefined {
    return this.#steps.get(key)?.result;
  }

  /** Where a step's result came from, for people. */
  nameOf(key: string): string | undefined {
    return this.#steps.get(key)?.source.name;
  }

  has(layer: DiffId): boolean {
    return this.#layers.has(layer);
  }

  selection(of: string): Digest | undefined {
    return this.#selections.get(of)?.files;
  }

  /** What to throw where a selection is another than its cache says: the build then begins anew without that. */
  wrongSelection(of: string): Error {
    return new BrokenCache(this.#selections.get(of)!.source, new Error("a COPY takes other files than it says"));
  }

  mount(name: string): { readonly mount: CachedMount; readonly from: string } | undefined {
    const found = this.#mounts.get(name);
    return found === undefined ? undefined : { mount: found.mount, from: found.source.name };
  }

  async fetchMount(name: string): Promise<void> {
    const { mount, source } = this.#mounts.get(name)!;
    await source.fetch(mount.layer, this.#watch.signal);
  }

  /** The blob that a layer is where it lies. */
  blob(layer: DiffId): Descriptor | undefined {
    return this.#layers.get(layer)?.blob(layer);
  }

  /** Brings what is missing of some layers into the store. Throws BrokenCache, of which {@link withoutBroken} knows what to do. */
  async ensure(layers: readonly DiffId[]): Promise<void> {
    const missing = layers.filter((layer) => this.#layers.has(layer) && !this.#store.layers.has(layer));
    await Promise.all(missing.map((layer) => this.#fetch(layer)));
  }

  /** Whether a failure is a cache's that did not keep what it had listed; it is said, and nothing more is looked for there. */
  withoutBroken(error: unknown): boolean {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (!(cause instanceof BrokenCache)) continue;
      const { source } = cause;
      if (this.#sources.includes(source)) leftOut(this.#watch, source.name, cause.cause);
      this.#sources = this.#sources.filter((one) => one !== source);
      this.#list();
      return true;
    }
    return false;
  }

  [Symbol.dispose](): void {
    for (const source of this.#opened) source[Symbol.dispose]();
  }

  #list(): void {
    this.#steps = new Map();
    this.#layers = new Map();
    this.#mounts = new Map();
    this.#selections = new Map();
    this.#fetching.clear();
    for (const source of this.#sources) {
      const there = new Set(source.cache.layers);
      for (const layer of there) if (!this.#layers.has(layer)) this.#layers.set(layer, source);
      for (const { key, ...result } of source.cache.steps) if (there.has(result.layer) && !this.#steps.has(key)) this.#steps.set(key, { result, source });
      for (const { of, files } of source.cache.selections) if (!this.#selections.has(of)) this.#selections.set(of, { files, source });
      for (const mount of source.cache.mounts) if (there.has(mount.layer) && !this.#mounts.has(mount.name)) this.#mounts.set(mount.name, { mount, source });
    }
  }

  #fetch(layer: DiffId): Promise<void> {
    let fetching = this.#fetching.get(layer);
    if (fetching === undefined) {
      fetching = this.#fetchFrom(this.#layers.get(layer)!, layer);
      this.#fetching.set(layer, fetching);
    }
    return fetching;
  }

  async #fetchFrom(source: CacheSource, layer: DiffId): Promise<void> {
    const { signal } = this.#watch;
    try {
      await source.fetch(layer, signal);
    } catch (error) {
      signal.throwIfAborted();
      // A full disk is this machine's trouble, not the cache's.
      throw error instanceof StoreFailure && (error.code === "disk-full" || error.code === "read-only") ? error : new BrokenCache(source, error);
    }
  }
}

function leftOut({ events }: ImportWatch, name: string, error: unknown): void {
  events({ type: "warning", message: `--cache-from ${name} is left out: ${reasonOf(error)}`, time: Date.now() });
}

async function openOne({ store, env }: Pick<Laminate, "store" | "env">, from: CacheFrom, { events, signal, platform }: ImportWatch): Promise<CacheSource> {
  if (from.kind === "local") {
    const { openLayoutCache } = await import("../exporters/layout-cache.ts");
    return await openLayoutCache(store, from.directory, from);
  }
  const onRetry = sayRetry(events);
  if (from.kind === "s3") {
    const { openBucketCache } = await import("../transfer/s3/s3-cache.ts");
    return await openBucketCache(store, from, { env, onRetry, signal });
  }
  if (from.kind === "gha") {
    const { openActionsCache } = await import("../transfer/actions/actions-cache.ts");
    return await openActionsCache(store, from, { env, onRetry, signal });
  }
  const reference = parseReference(from.reference);
  const session = new Session(reference.registry, { env, insecure: from.insecure, retries: { onRetry } });
  try {
    return await openRegistryCache(session, store, reference, { platform, signal });
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}
