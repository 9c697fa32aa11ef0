import { statfsSync } from "node:fs";
import type { CacheRecord } from "../store/cache-records.ts";
import type { CacheMount } from "../store/cache-mounts.ts";
import { layerBytes, treeBytes } from "../store/collect/bytes.ts";
import { partsOf } from "../store/collect/reachable.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import { collectGarbage, type WithSandbox } from "./collect-garbage.ts";
import type { CacheType, PruneFilters } from "./prune-filters.ts";
import type { Pruned } from "./prune-images.ts";

export interface PruneCacheOptions {
  /** Also records whose layers images share. */
  readonly all: boolean;
  readonly filters: PruneFilters;
  /** Records go, the longest unused first, until these hold; without, all that may go. */
  readonly limits?: CacheLimits;
}

/** Bytes, as BuildKit's garbage collection has them. */
export interface CacheLimits {
  /** So much the cache may take at most. */
  readonly most?: number;
  /** So much of the disk is to be free afterwards. */
  readonly free?: number;
  /** So much of the cache stays in any case. */
  readonly reserved?: number;
}

/** What becomes of a part of the cache, and why. */
export interface CacheVerdict {
  readonly name: string;
  readonly type: CacheType;
  /** Bytes that its removal frees. */
  readonly frees: number;
  /** Milliseconds since the epoch. */
  readonly used: number;
  readonly goes: boolean;
  readonly why: string;
}

/** A record of the build cache with what it takes of the disk. */
export interface CacheUse {
  readonly record: CacheRecord;
  /** Bytes. */
  readonly size: number;
  /** Images have the layer too, so that it stays when the record goes. */
  readonly shared: boolean;
}

/** A cache mount with what it takes of the disk. */
export interface CacheMountUse {
  readonly mount: CacheMount;
  /** Bytes. */
  readonly size: number;
}

/** A record, or a cache mount. */
interface Candidate {
  readonly type: CacheType;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly used: number;
  /** Bytes that its removal frees. */
  readonly frees: number;
  /** Why it cannot go at all. */
  readonly bound?: string;
  /** False when it is in use after all. */
  remove(): boolean;
}

/** Removes records of the build cache, the layers that only they needed, and cache mounts. What a build at work uses stays. */
export async function pruneCache(laminate: WithSandbox, options: PruneCacheOptions): Promise<Pruned<string>> {
  const { store, sandbox } = laminate;
  const found = await lookAtCache(store, options.limits);
  await using going = new AsyncDisposableStack();
  const removed: string[] = [];
  let freed = 0;
  const takeMount = ({ mount, size }: CacheMountUse): boolean => {
    const lock = store.cacheMounts.takeAway(mount);
    if (lock === undefined) return false;
    going.defer(() => lock[Symbol.dispose]());
    going.defer(() => sandbox.removeTree(mount.place));
    freed += size;
    return true;
  };
  const { bytes } = await collectGarbage(laminate, {
    forget: () => {
      for (const { candidate, goes } of verdicts(candidatesIn(store, found, options.all, takeMount), options, found, (one) => one.remove())) if (goes) removed.push(candidate.name);
    },
  });
  return { removed, bytes: bytes + freed };
}

/** What {@link pruneCache} would do now, for each part of the cache, and why. Removes nothing. */
export async function planPrune({ store }: Pick<WithSandbox, "store">, options: PruneCacheOptions): Promise<CacheVerdict[]> {
  const found = await lookAtCache(store, options.limits);
  return verdicts(candidatesIn(store, found, options.all, () => true), options, found, () => true).map(({ candidate: { name, type, frees, used }, goes, why }) => ({ name, type, frees, used, goes, why }));
}

interface Found {
  readonly sizes: ReadonlyMap<string, number>;
  readonly mounts: readonly CacheMountUse[];
  /** Bytes that are free on the store's disk. */
  readonly free: number;
}

async function lookAtCache(store: Store, limits: CacheLimits | undefined): Promise<Found> {
  const sizes = new Map((await cacheUses(store)).map(({ record, size }) => [record.content as string, size]));
  const disk = limits?.free === undefined ? undefined : statfsSync(store.root);
  return { sizes, mounts: await cacheMountUses(store), free: disk === undefined ? 0 : disk.bavail * disk.bsize };
}

interface Verdict {
  readonly candidate: Candidate;
  readonly goes: boolean;
  readonly why: string;
}

/** Goes through the cache, the longest unused first; `remove` is asked of what is to go. */
function verdicts(candidates: readonly Candidate[], { filters, limits }: PruneCacheOptions, { free }: Found, remove: (candidate: Candidate) => boolean): Verdict[] {
  const before = filters.before ?? Infinity;
  const total = sum(candidates.map(({ frees }) => frees));
  const keep = limits === undefined ? undefined : keptBytes(limits, total, free);
  let left = total;
  return candidates.map((candidate): Verdict => {
    const stays = (why: string): Verdict => ({ candidate, goes: false, why });
    if (candidate.bound !== undefined) return stays(candidate.bound);
    if ((filters.type ?? candidate.type) !== candidate.type) return stays("of another type");
    if (candidate.used >= before) return stays("used since --filter until");
    if (keep !== undefined && left <= keep) return stays("used later than what goes, and the limits hold without it");
    if (!remove(candidate)) return stays("in use");
    left -= candidate.frees;
    return { candidate, goes: true, why: keep === undefined ? "no image and no process needs it" : "unused for longer than what stays, and the cache takes more than the limits" };
  });
}

/** How much of the cache may stay (BuildKit, cache/manager.go, calculateKeepBytes). */
function keptBytes({ most = 0, free: wanted = 0, reserved = 0 }: CacheLimits, total: number, free: number): number {
  const room = free + total - wanted;
  const kept = wanted > 0 && (most === 0 || room < most) ? room : most;
  return Math.max(kept, reserved);
}

function candidatesIn(store: Store, { sizes, mounts }: Found, all: boolean, takeMount: (use: CacheMountUse) => boolean): Candidate[] {
  const caches = mounts.map((use): Candidate => ({ type: "exec.cachemount", name: use.mount.name, used: use.mount.used, frees: use.size, remove: () => takeMount(use) }));
  return [...recordsIn(store, all, sizes), ...caches].toSorted((a, b) => a.used - b.used);
}

function recordsIn(store: Store, all: boolean, sizes: ReadonlyMap<string, number>): Candidate[] {
  const now = Date.now();
  const shared = new Set<string>(store.images.list().flatMap((image) => partsOf(store, image)));
  const held = store.leases.held();
  return store.cache.list().map((record): Candidate => {
    const bound = held.has(record.content) ? "a process at work uses it" : !all && shared.has(record.content) ? "an image has its layer too (--all takes it)" : undefined;
    return {
      type: record.kind === "step" ? "regular" : "source.http",
      name: record.key,
      used: record.used,
      frees: bound !== undefined || shared.has(record.content) ? 0 : (sizes.get(record.content) ?? 0),
      ...(bound === undefined ? {} : { bound }),
      remove() {
        store.cache.remove(record, now);
        return true;
      },
    };
  });
}

/** The cache mounts, the longest unused first. As an ordinary user what others own in them may not count. */
export async function cacheMountUses(store: Store): Promise<readonly CacheMountUse[]> {
  return await Promise.all(store.cacheMounts.list().map(async (mount) => ({ mount, size: await treeBytes(mount.place) })));
}

/** What the build cache takes of the disk, record by record. */
export async function cacheUses(store: Store): Promise<readonly CacheUse[]> {
  const shared = new Set<string>(store.images.list().flatMap((image) => readableParts(store, image)));
  const uses: CacheUse[] = [];
  for (const record of store.cache.list()) {
    const { kind, content } = record;
    const size = kind === "download" ? (store.content.size(content) ?? 0) : await wholeLayerBytes(store, content as DiffId);
    uses.push({ record, size, shared: shared.has(content) });
  }
  return uses;
}

/** The bytes that a layer takes of the disk, its blobs with it. */
export async function wholeLayerBytes(store: Store, layer: DiffId): Promise<number> {
  return (await layerBytes(store.layers.place(layer))) + sum(store.layers.blobs(layer).map(({ size }) => size));
}

/** Outside a transaction an image may go while it is looked at. */
function readableParts(store: Store, image: ImageRecord): readonly Digest[] {
  try {
    return partsOf(store, image);
  } catch {
    return [];
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
