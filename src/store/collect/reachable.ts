import { readFileSync } from "node:fs";
import { reasonOf } from "../../base/failure.ts";
import type { Digest, DiffId } from "../../oci/digest.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import type { Manifest } from "../../oci/manifest.ts";
import type { ImageRecord } from "../images/image-store.ts";
import { StoreFailure } from "../store-error.ts";
import type { Store } from "../store.ts";

/**
 * The digests of all layers and blobs that something needs: images, containers, the build cache, and what processes
 * at work hold. Belongs into a transaction, so that it stays true while what is not in it is taken away.
 * Throws StoreFailure `damaged` when an image cannot say what it needs.
 */
export function reachable(store: Store, containerLayers: Iterable<DiffId>): ReadonlySet<string> {
  const needed = new Set<string>(store.leases.held());
  for (const image of store.images.list()) {
    for (const digest of partsOf(store, image)) needed.add(digest);
  }
  for (const layer of containerLayers) {
    needed.add(layer);
    store.layers.below(layer).forEach((below) => needed.add(below)); // a running container's mount may stand on it
  }
  for (const { content } of store.cache.list()) needed.add(content);
  for (const layer of store.layers.list()) {
    if (needed.has(layer)) store.layers.blobs(layer).forEach(({ digest }) => needed.add(digest));
  }
  return needed;
}

/** The manifest, config, layers and blobs of an image. Throws StoreFailure `damaged`. */
export function partsOf(store: Store, { id, manifest }: ImageRecord): readonly Digest[] {
  try {
    const { layers } = JSON.parse(readFileSync(store.content.path(manifest.digest), "utf8")) as Manifest;
    return [id, manifest.digest, ...layers.map(({ digest }) => digest), ...layersOf(store, id)];
  } catch (error) {
    throw new StoreFailure("damaged", `read the image ${id}: ${reasonOf(error)}`, { cause: error, hint: `remove it first: laminate rmi -f ${id.slice(7, 19)}` });
  }
}

function layersOf(store: Store, id: Digest): readonly DiffId[] {
  return (JSON.parse(readFileSync(store.content.path(id), "utf8")) as ImageConfig).rootfs.diff_ids;
}
