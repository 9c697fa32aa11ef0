import { createReadStream } from "node:fs";
import { join } from "node:path";
import { decompressStream } from "../archive/decompress.ts";
import { isBuildkitConfig } from "../oci/build-cache.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isIndex } from "../oci/image-json.ts";
import type { Store } from "../store/store.ts";
import { buildkitCache, listedCache, noCache, type CacheSource } from "../transfer/cache-source.ts";
import { blobPath } from "./layout.ts";
import { findInLayout, readLayoutIndex, readLayoutManifest } from "./layout-base.ts";

/** Opens the cache that lies in an OCI image layout directory under a tag or digest, as `--cache-to type=local` wrote it. Throws ArchiveFailure, TransferFailure or InvalidImage. */
export async function openLayoutCache(store: Store, directory: string, wanted: { readonly tag?: string; readonly digest?: string }): Promise<CacheSource> {
  const { descriptor } = await findInLayout(directory, wanted);
  const { manifest, config } = await readLayoutManifest(directory, await cacheManifest(directory, descriptor));
  const { cache, blobs } = listedCache(directory, manifest, config);
  return {
    name: directory,
    cache,
    async fetch(layer) {
      store.leases.hold(layer);
      if (store.layers.has(layer)) return;
      await store.layers.putTar(decompressStream(createReadStream(join(directory, blobPath(blobs.get(layer)!.digest)))) as AsyncIterable<Buffer>, layer);
    },
    [Symbol.dispose]() {},
  };
}

/** BuildKit's older shape is an index that lists layers, and the config as one of them. */
async function cacheManifest(directory: string, descriptor: Descriptor): Promise<Descriptor> {
  if (!isIndex(descriptor)) return descriptor;
  const { manifests } = await readLayoutIndex(directory, descriptor);
  throw manifests.some(({ mediaType }) => isBuildkitConfig(mediaType)) ? buildkitCache() : noCache(directory);
}
