import type { CacheRecord } from "../store/cache-records.ts";
import { layerBytes } from "../store/collect/bytes.ts";
import { partsOf } from "../store/collect/reachable.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import { collectGarbage, type WithSandbox } from "./collect-garbage.ts";
import type { PruneFilters } from "./prune-filters.ts";
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

/** Removes records of the build cache and the layers that only they needed. What a build at work uses stays. */
export async function pruneCache(laminate: WithSandbox, { all, filters, keep }: PruneCacheOptions): Promise<Pruned<string>> {
  const { store } = laminate;
  const now = Date.now();
  const before = filters.before ?? Infinity;
  const sizes = new Map((await cacheUses(store)).map(({ record, size }) => [record.content, size]));
  const removed: string[] = [];
  const { bytes } = await collectGarbage(laminate, {
    forget: () => {
      const shared = new Set<string>(store.images.list().flatMap((image) => partsOf(store, image)));
      const held = store.leases.held();
      const records = store.cache.list().filter(({ content }) => all || !shared.has(content));
      let left = sum(records.filter(({ content }) => !shared.has(content)).map(({ content }) => sizes.get(content) ?? 0));
      for (const record of records) {
        const { content, used } = record;
        if (used >= before || held.has(content) || (keep !== undefined && left <= keep)) continue;
        store.cache.remove(record, now);
        removed.push(record.key);
        if (!shared.has(content)) left -= sizes.get(content) ?? 0;
      }
    },
  });
  return { removed, bytes };
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
