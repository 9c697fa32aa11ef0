import { isCount } from "../base/shape.ts";
import type { DiffId } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { familiarName, familiarReference, parseReference, type Reference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";

/** What an api function needs of {@link Laminate} to look at images. */
export interface WithStore {
  readonly store: Store;
}

/** An image of the store with all that its listings are made of. */
export interface ImageView {
  readonly record: ImageRecord;
  readonly config: ImageConfig;
  readonly manifest: Manifest;
  /** Bytes of the files in each layer, lowest first. */
  readonly layerSizes: readonly number[];
  /** The layers' sum. */
  readonly size: number;
  /** Names with a tag, sorted. */
  readonly tags: readonly Reference[];
  /** `name@sha256:…` by which registries know it. */
  readonly digests: readonly string[];
}

/** Reads all that lists and descriptions say of an image. Throws StoreFailure `damaged` or `not-found`. */
export async function viewImage(store: Store, record: ImageRecord): Promise<ImageView> {
  const [config, manifest] = await Promise.all([store.images.config(record), store.images.manifest(record)]);
  const layerSizes = await Promise.all(config.rootfs.diff_ids.map((diffId) => filesSize(store, diffId)));
  const names = record.names.map(parseReference);
  return {
    record,
    config,
    manifest,
    layerSizes,
    size: layerSizes.reduce((sum, size) => sum + size, 0),
    tags: names.filter((name) => name.tag !== undefined && name.digest === undefined).sort((a, b) => (familiarReference(a) < familiarReference(b) ? -1 : 1)),
    digests: [...new Set(names.filter((name) => name.digest !== undefined).map((name) => `${familiarName(name)}@${name.digest}`))].sort(),
  };
}

const SIZES = "layer-sizes";

/** As docker counts: the bytes of a layer's files and links, without names and padding. Counted once, as a layer never changes. */
async function filesSize(store: Store, diffId: DiffId): Promise<number> {
  const known = store.records.get(SIZES, diffId, isCount);
  if (known !== undefined) return known;
  const { entries } = await store.layers.index(diffId);
  const size = entries.reduce((sum, entry) => sum + entry.size + (entry.type === "symlink" ? (entry.link ?? "").length : 0), 0);
  try {
    store.records.put(SIZES, diffId, size);
  } catch {
    // A store that can only be read is listed all the same.
  }
  return size;
}

/** When an image was made, in milliseconds since the epoch. */
export function createdAt({ config }: Pick<ImageView, "config">): number {
  const time = Date.parse(config.created ?? "");
  return Number.isNaN(time) ? 0 : time;
}
