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
  /** Bytes of each layer's tar, lowest first. */
  readonly layerSizes: readonly number[];
  /** The layers' sum. */
  readonly size: number;
  /** Names with a tag, sorted. */
  readonly tags: readonly Reference[];
  /** `name@sha256:…` by which registries know it. */
  readonly digests: readonly string[];
}

export async function viewImage(store: Store, record: ImageRecord): Promise<ImageView> {
  const [config, manifest] = await Promise.all([store.images.config(record), store.images.manifest(record)]);
  const diffIds = config.rootfs.diff_ids;
  // A layer that lies in the manifest as its own tar states its size; others have to be looked at.
  const layerSizes = await Promise.all(diffIds.map((diffId, index) => (manifest.layers[index]?.digest === diffId ? manifest.layers[index].size : store.layers.tarSize(diffId))));
  const names = record.names.map(parseReference);
  return {
    record,
    config,
    manifest,
    layerSizes,
    size: layerSizes.reduce((sum, size) => sum + size, 0),
    tags: names.filter((name) => name.tag !== undefined && name.digest === undefined).sort((a, b) => (familiarReference(a) < familiarReference(b) ? -1 : 1)),
    digests: repositoryDigests(record, names, isLocal(config, manifest)),
  };
}

/** Whether the manifest is one that only we know: it lists the layers' tars, and no registry has it. */
function isLocal(config: ImageConfig, manifest: Manifest): boolean {
  return manifest.layers.every((layer, index) => layer.digest === config.rootfs.diff_ids[index]);
}

function repositoryDigests(record: ImageRecord, names: readonly Reference[], local: boolean): string[] {
  const own = names.filter((name) => name.digest !== undefined).map((name) => `${familiarName(name)}@${name.digest}`);
  const known = local ? [] : names.map((name) => `${familiarName(name)}@${record.manifest.digest}`);
  return [...new Set([...own, ...known])].sort();
}

/** When an image was made, in milliseconds since the epoch. */
export function createdAt({ config }: Pick<ImageView, "config">): number {
  const time = Date.parse(config.created ?? "");
  return Number.isNaN(time) ? 0 : time;
}
