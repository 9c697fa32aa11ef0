import { createReadStream } from "node:fs";
import { join } from "node:path";
import { decompressStream } from "../archive/decompress.ts";
import { CACHE_CONFIG, parseCache } from "../oci/build-cache.ts";
import type { Store } from "../store/store.ts";
import type { CacheSource } from "../transfer/registry-cache.ts";
import { ArchiveFailure } from "./export-error.ts";
import { blobPath } from "./layout.ts";
import { findInLayout, readLayoutManifest } from "./layout-base.ts";

/** Opens the cache that lies in an OCI image layout directory under a tag or digest, as `--cache-to type=local` wrote it. Throws ArchiveFailure or InvalidImage. */
export async function openLayoutCache(store: Store, directory: string, wanted: { readonly tag?: string; readonly digest?: string }): Promise<CacheSource> {
  const { descriptor } = await findInLayout(directory, wanted);
  const { manifest, config } = await readLayoutManifest(directory, descriptor);
  if (manifest.config.mediaType !== CACHE_CONFIG) {
    throw new ArchiveFailure("not-an-image", `${JSON.stringify(directory)} holds no build cache of ours`, { hint: "it is written by --cache-to type=local; BuildKit's caches cannot be read, as its keys are not ours" });
  }
  const cache = parseCache(config);
  if (cache.layers.length !== manifest.layers.length) throw new ArchiveFailure("not-an-image", `read the cache ${JSON.stringify(directory)}: its manifest has ${manifest.layers.length} layers, its config ${cache.layers.length}`);
  const blobs = new Map(cache.layers.map((layer, place) => [layer, manifest.layers[place]!]));
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
