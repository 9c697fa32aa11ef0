import { CACHE_CONFIG, type BuildCache } from "../oci/build-cache.ts";
import { asOciLayer, mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import type { DiffId } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { Store } from "../store/store.ts";
import { memoryBlob, storedBlob, type OutgoingBlob } from "./outgoing-image.ts";

/** A build cache as it leaves: shaped like an image, so that every registry takes it. */
export interface OutgoingCache {
  readonly manifest: OutgoingBlob;
  readonly config: OutgoingBlob;
  readonly layers: readonly OutgoingBlob[];
}

/** Layers that may be elsewhere. */
export interface FarLayers {
  /** The blob that a layer is there, if it is. */
  blob(layer: DiffId): Descriptor | undefined;
  /** Brings layers here, with those blobs. */
  ensure(layers: readonly DiffId[]): Promise<void>;
}

/** What a cache is made of. */
export type CacheContent = Omit<BuildCache, "layers">;

/** Packs steps and cache mounts with their layers, which are compressed where they never left before. A layer that is elsewhere comes only when its blob is opened. */
export async function cacheImage(store: Store, { steps, mounts, selections }: CacheContent, far: FarLayers): Promise<OutgoingCache> {
  const diffIds = [...new Set([...steps, ...mounts].map(({ layer }) => layer))];
  store.leases.hold(...diffIds);
  const layers: OutgoingBlob[] = [];
  for (const diffId of diffIds) layers.push(await layerBlob(store, diffId, far));
  const listed = {
    layers: diffIds,
    steps: steps.map(({ key, layer, created }) => ({ key, layer, created })),
    ...(mounts.length === 0 ? {} : { mounts: mounts.map(({ name, id, layer }) => ({ name, id, layer })) }),
    ...(selections.length === 0 ? {} : { selections: selections.map(({ of, files }) => ({ of, files })) }),
  };
  const config = memoryBlob(CACHE_CONFIG, Buffer.from(JSON.stringify(listed)));
  const manifest: Manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: config.descriptor, layers: layers.map(({ descriptor }) => asOciLayer(descriptor)) };
  return { manifest: memoryBlob(mediaTypes.manifest, Buffer.from(JSON.stringify(manifest))), config, layers };
}

async function layerBlob(store: Store, diffId: DiffId, far: FarLayers): Promise<OutgoingBlob> {
  const descriptor = store.layers.has(diffId) ? undefined : far.blob(diffId);
  if (descriptor === undefined) return storedBlob(store, await store.layers.blob(diffId, "gzip"));
  return {
    descriptor,
    async *open() {
      await far.ensure([diffId]);
      yield* storedBlob(store, descriptor).open();
    },
  };
}
