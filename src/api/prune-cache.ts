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
  /** Bytes: records go, the longest unused first, until the cache takes no more. */
  readonly keep?: number;
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

/** Something that may go: a record, or a cache mount. */
interface Candidate {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly used: number;
  /** Bytes that its removal frees. */
  readonly frees: number;
  /** False when it is in use after all. */
  remove(): boolean;
}

/** Removes records of the build cache, the layers that only they needed, and cache mounts. What a build at work uses stays. */
export async function pruneCache(laminate: WithSandbox, { all, filters, keep }: PruneCacheOptions): Promise<Pruned<string>> {
  const { store, sandbox } = laminate;
  const before = filters.before ?? Infinity;
  const sizes = new Map((await cacheUses(store)).map(({ record, size }) => [record.content, size]));
  const mounts = await cacheMountUses(store);
  await using going = new AsyncDisposableStack();
  const removed: string[] = [];
  let freed = 0;
  const { bytes } = await collectGarbage(laminate, {
    forget: () => {
      const takeMount = ({ mount, size }: CacheMountUse): boolean => {
        const lock = store.cacheMounts.takeAway(mount);
        if (lock === undefined) return false;
        going.defer(() => lock[Symbol.dispose]());
        going.defer(() => sandbox.removeTree(mount.place));
        freed += size;
        return true;
      };
      const candidates = [
        ...recordsThatMayGo(store, all, sizes),
        ...mounts.map((use): Candidate & { readonly type: CacheType } => ({ type: "exec.cachemount", name: use.mount.name, used: use.mount.used, frees: use.size, remove: () => takeMount(use) })),
      ].toSorted((a, b) => a.used - b.used);
      let left = sum(candidates.map(({ frees }) => frees));
      for (const one of candidates) {
        if ((filters.type ?? one.type) !== one.type || one.used >= before || (keep !== undefined && left <= keep) || !one.remove()) continue;
        removed.push(one.name);
        left -= one.frees;
      }
    },
  });
  return { removed, bytes: bytes + freed };
}

/** Records whose layers no image shares, and with `all` those too. */
function recordsThatMayGo(store: Store, all: boolean, sizes: ReadonlyMap<string, number>): (Candidate & { readonly type: CacheType })[] {
  const now = Date.now();
  const shared = new Set<string>(store.images.list().flatMap((image) => partsOf(store, image)));
  const held = store.leases.held();
  const records = store.cache.list().filter(({ content }) => !held.has(content) && (all || !shared.has(content)));
  return records.map((record) => ({
    type: record.kind === "step" ? "regular" : "source.http",
    name: record.key,
    used: record.used,
    frees: shared.has(record.content) ? 0 : (sizes.get(record.content) ?? 0),
    remove() {
      store.cache.remove(record, now);
      return true;
    },
  }));
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
