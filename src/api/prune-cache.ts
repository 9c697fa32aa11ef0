import { statfsSync } from "node:fs";
import type { CacheRecord } from "../store/cache-records.ts";
import type { CacheMount } from "../store/cache-mounts.ts";
import { freedBytes } from "../store/collect/bytes.ts";
import { cacheParts, cacheSizes } from "./cache-parts.ts";
import { chooseParts, type CacheVerdict, type Choice } from "./choose-parts.ts";
import { collectGarbage, type WithSandbox } from "./collect-garbage.ts";

/** Which parts of the cache are to go; the moment is found out. */
export type PruneCacheOptions = Omit<Choice, "now" | "free">;

/** What a prune of the cache did, or would do. */
export interface PrunedCache {
  /** Part by part; with limits those first that save least work for their size. */
  readonly verdicts: readonly CacheVerdict[];
  /** Bytes of the disk that are free now. */
  readonly bytes: number;
  /** Bytes that the cache alone still has. */
  readonly left: number;
}

/** Removes records of the build cache, the layers that only they needed, and cache mounts. What a build at work uses stays. */
export async function pruneCache(laminate: WithSandbox, options: PruneCacheOptions): Promise<PrunedCache> {
  const { store, sandbox } = laminate;
  const sizes = cacheSizes(store);
  const choice = choiceOf(laminate, options);
  using locks = new DisposableStack();
  const mounts: CacheMount[] = [];
  let verdicts: readonly CacheVerdict[] = [];
  const takeMount = (mount: CacheMount): boolean => {
    const lock = store.cacheMounts.takeAway(mount);
    if (lock === undefined) return false;
    locks.use(lock);
    return mounts.push(mount) > 0;
  };
  const { bytes } = await collectGarbage(laminate, {
    forget: () => {
      verdicts = chooseParts(cacheParts(store, sizes), choice, ({ origin }) => !("mount" in origin) || takeMount(origin.mount));
      store.cache.remove(cacheRecordsOf(verdicts), choice.now);
    },
  });
  const freed = freedBytes(mounts.map(({ place }) => place));
  for (const { place } of mounts) await sandbox.removeTree(place);
  return { verdicts, bytes: bytes + freed, left: leftOf(verdicts) };
}

function leftOf(verdicts: readonly CacheVerdict[]): number {
  const contents = new Map(verdicts.flatMap(({ subject: { content, bytes, shared }, goes }) => (goes || shared ? [] : [[content, bytes] as const])));
  return [...contents.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** The records among the parts that go. */
export function cacheRecordsOf(verdicts: readonly CacheVerdict[]): CacheRecord[] {
  return verdicts.flatMap(({ subject: { origin }, goes }) => (goes && "record" in origin ? [origin.record] : []));
}

/** The options with what is to know of this moment. */
export function choiceOf({ store }: Pick<WithSandbox, "store">, options: PruneCacheOptions): Choice {
  const { bavail, bsize } = statfsSync(store.root);
  return { ...options, free: bavail * bsize, now: Date.now() };
}
