import { CACHE_CONFIG, type CachedStep } from "../oci/build-cache.ts";
import { asOciLayer, mediaTypes } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { Store } from "../store/store.ts";
import { memoryBlob, storedBlob, type OutgoingBlob } from "./outgoing-image.ts";

/** A build cache as it leaves: shaped like an image, so that every registry takes it. */
export interface OutgoingCache {
  readonly manifest: OutgoingBlob;
  readonly config: OutgoingBlob;
  readonly layers: readonly OutgoingBlob[];
}

/** Packs steps with their layers, which are compressed where they never left before. The layers are in the store. */
export async function cacheImage(store: Store, steps: readonly CachedStep[]): Promise<OutgoingCache> {
  const diffIds = [...new Set(steps.map(({ layer }) => layer))];
  store.leases.hold(...diffIds);
  const layers: OutgoingBlob[] = [];
  for (const diffId of diffIds) layers.push(storedBlob(store, await store.layers.blob(diffId, "gzip")));
  const config = memoryBlob(CACHE_CONFIG, Buffer.from(JSON.stringify({ layers: diffIds, steps: steps.map(({ key, layer, created }) => ({ key, layer, created })) })));
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: config.descriptor, layers: layers.map(({ descriptor }) => asOciLayer(descriptor)) };
  return { manifest: memoryBlob(mediaTypes.manifest, Buffer.from(JSON.stringify(manifest))), config, layers };
}
