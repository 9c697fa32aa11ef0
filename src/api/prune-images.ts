import { Containers } from "../containers/containers.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { familiarReference, parseReference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { collectGarbage, removedChains, type Removal, type WithSandbox } from "./collect-garbage.ts";
import { matchesLabels, type PruneFilters } from "./prune-filters.ts";

export interface Pruned<T> {
  readonly removed: readonly T[];
  /** Bytes of the disk. */
  readonly bytes: number;
}

/**
 * Removes images without a tag, with `all` every image that no container uses, and whatever else lies in the store
 * that nothing needs. Throws StoreFailure `damaged` when an image cannot say what it needs; nothing is then removed.
 */
export async function pruneImages(laminate: WithSandbox, { all, filters }: { readonly all: boolean; readonly filters: PruneFilters }): Promise<Pruned<Removal>> {
  const { store } = laminate;
  const { labels, before = Infinity } = filters;
  const configs = new Map<string, ImageConfig | undefined>();
  for (const image of store.images.list()) {
    const config = await store.images.config(image).catch(() => undefined);
    if (image.created < before && matchesLabels(config?.config?.Labels, labels)) configs.set(image.id, config);
  }
  const containers = new Containers(store.root);
  let images: readonly ImageRecord[] = [];
  const { layers, bytes } = await collectGarbage(laminate, {
    forget: () => {
      // Looked up now that nobody else can give one a name.
      const used = new Set<string>(containers.list().map(({ record }) => record.image.id));
      images = store.images.list().filter(({ id, names }) => configs.has(id) && !used.has(id) && (all || names.every((name) => parseReference(name).tag === undefined)));
      images.forEach(({ id }) => store.images.remove(id));
    },
  });
  const removed = images.flatMap(({ id, names }) => [
    ...names.map((name): Removal => ({ untagged: familiarReference(parseReference(name)) })),
    { deleted: id },
    ...removedChains(configs.get(id)?.rootfs.diff_ids ?? [], layers),
  ]);
  // A layer that several of them had is said once.
  return { removed: [...new Map(removed.map((each) => [JSON.stringify(each), each])).values()], bytes };
}
