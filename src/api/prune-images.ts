import type { Container } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { familiarReference, parseReference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { collectGarbage, removedChains, type Removal, type WithSandbox } from "./collect-garbage.ts";
import type { Store } from "../store/store.ts";
import type { Verdict } from "./verdict.ts";
import { matchesLabels, type PruneFilters } from "./prune-filters.ts";

export interface Pruned<T> {
  readonly removed: readonly T[];
  /** Bytes of the disk. */
  readonly bytes: number;
}

export interface PruneImagesOptions {
  /** Also images with a name that no container uses. */
  readonly all: boolean;
  readonly filters: PruneFilters;
}

/**
 * Removes images without a tag, with `all` every image that no container uses, and whatever else lies in the store
 * that nothing needs. Throws StoreFailure `damaged` when an image cannot say what it needs; nothing is then removed.
 */
export async function pruneImages(laminate: WithSandbox, options: PruneImagesOptions): Promise<Pruned<Removal>> {
  const { store } = laminate;
  const configs = await configsOf(store);
  const containers = new Containers(store.root);
  let images: readonly ImageRecord[] = [];
  const { layers, bytes } = await collectGarbage(laminate, {
    forget: () => {
      // Looked up now that nobody else can give one a name.
      images = chooseImages(store.images.list(), { ...options, configs, containers: containers.list() }).flatMap(({ subject, goes }) => (goes ? [subject] : []));
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

/** The configs of all images; of one whose config cannot be read undefined. */
export async function configsOf(store: Store): Promise<ReadonlyMap<string, ImageConfig | undefined>> {
  return new Map(await Promise.all(store.images.list().map(async (image) => [image.id, await store.images.config(image).catch(() => undefined)] as const)));
}

interface ImageChoice extends PruneImagesOptions {
  readonly configs: ReadonlyMap<string, ImageConfig | undefined>;
  readonly containers: readonly Container[];
}

/** Which images a prune removes, and why. One whose config was not looked at is new, and stays. */
export function chooseImages(images: readonly ImageRecord[], { all, filters: { labels, before = Infinity }, configs, containers }: ImageChoice): Verdict<ImageRecord>[] {
  const used = new Map<string, string>(containers.map(({ record }) => [record.image.id, record.name]));
  return images.map((subject) => {
    const stays = (why: string): Verdict<ImageRecord> => ({ subject, goes: false, why });
    const user = used.get(subject.id);
    if (user !== undefined) return stays(`the container ${user} uses it`);
    const named = subject.names.some((name) => parseReference(name).tag !== undefined);
    if (named && !all) return stays("it has a name (--all takes it)");
    if (!configs.has(subject.id)) return stays("it has just come");
    if (subject.created >= before) return stays("made since --filter until");
    if (!matchesLabels(configs.get(subject.id)?.config?.Labels, labels)) return stays("not of --filter label");
    return { subject, goes: true, why: named ? "no container uses it" : "it has no name, and no container uses it" };
  });
}
