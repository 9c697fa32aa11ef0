import { Containers } from "../containers/containers.ts";
import { treeBytes } from "../store/collect/bytes.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Container } from "../containers/container.ts";
import { cacheParts, cacheSizes } from "./cache-parts.ts";
import { chooseParts, type CacheVerdict } from "./choose-parts.ts";
import { whatWouldFree, type WithSandbox } from "./collect-garbage.ts";
import { cacheRecordsOf, choiceOf, type PruneCacheOptions } from "./prune-cache.ts";
import { chooseContainers } from "./prune-containers.ts";
import type { PruneFilters } from "./prune-filters.ts";
import type { Verdict } from "./verdict.ts";
import { chooseImages, configsOf, type PruneImagesOptions } from "./prune-images.ts";

/** What a prune would do. */
export interface PrunePlan {
  readonly containers: readonly Verdict<Container>[];
  readonly images: readonly Verdict<ImageRecord>[];
  readonly cache: readonly CacheVerdict[];
  /** Bytes of the disk that would be free. */
  readonly bytes: number;
}

/** What is to be pruned; of what is left out nothing goes. */
export interface PruneWish {
  readonly containers?: PruneFilters;
  readonly images?: PruneImagesOptions;
  readonly cache?: PruneCacheOptions;
}

/** What `container prune`, `image prune`, `builder prune` or all of them would do now, one after the other, and why. Removes nothing. Throws StoreFailure. */
export async function planPrune(laminate: WithSandbox, wish: PruneWish): Promise<PrunePlan> {
  const { store } = laminate;
  const all = new Containers(store.root).list();
  const containers = wish.containers === undefined ? [] : chooseContainers(all, wish.containers);
  const gone = new Set(containers.flatMap(({ subject, goes }) => (goes ? [subject] : [])));
  const left = all.filter((container) => !containers.some(({ subject, goes }) => goes && subject.id === container.id));
  const own = [...gone].reduce((sum, { directory }) => sum + treeBytes(directory), 0);
  if (wish.images === undefined && wish.cache === undefined) return { containers, images: [], cache: [], bytes: own };
  const configs = wish.images === undefined ? undefined : await configsOf(store);
  const [sizes, choice] = wish.cache === undefined ? [] : [cacheSizes(store), choiceOf(laminate, wish.cache)];
  let images: PrunePlan["images"] = [];
  let cache: PrunePlan["cache"] = [];
  const freed = whatWouldFree(laminate, left, () => {
    if (configs !== undefined) images = chooseImages(store.images.list(), { ...wish.images!, configs, containers: left });
    for (const { subject, goes } of images) if (goes) store.images.remove(subject.id);
    if (choice === undefined) return;
    cache = chooseParts(cacheParts(store, sizes!), choice, () => true);
    store.cache.remove(cacheRecordsOf(cache), choice.now);
  });
  const mounts = cache.reduce((sum, { subject: { origin, bytes }, goes }) => sum + (goes && "mount" in origin ? bytes : 0), 0);
  return { containers, images, cache, bytes: own + freed + mounts };
}
