import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { isBuildkitConfig } from "../oci/build-cache.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isIndex } from "../oci/image-json.ts";
import { PATIENT } from "../registry/retry.ts";
import type { Store } from "../store/store.ts";
import { buildkitCache, cacheSource, noCache, type CacheSource } from "../transfer/cache-source.ts";
import type { BlobSource } from "../transfer/fetch-blob.ts";
import { ArchiveFailure } from "./export-error.ts";
import { blobPath } from "./layout.ts";
import { findInLayout, readLayoutIndex, readLayoutManifest } from "./layout-base.ts";

/** Opens the cache that lies in an OCI image layout directory under a tag or digest, as `--cache-to type=local` wrote it. Throws ArchiveFailure, TransferFailure or InvalidImage. */
export async function openLayoutCache(store: Store, directory: string, wanted: { readonly tag?: string; readonly digest?: string }): Promise<CacheSource> {
  const { descriptor } = await findInLayout(directory, wanted);
  const { manifest, config } = await readLayoutManifest(directory, await cacheManifest(directory, descriptor));
  return cacheSource(directory, manifest, config, { blobs: blobsIn(directory), store, close: () => undefined });
}

/** The blobs of a layout's directory; whoever reads verifies them. */
function blobsIn(directory: string): BlobSource {
  return {
    retries: { ...PATIENT, attempts: 1 },
    async open({ digest }, { offset = 0 }) {
      const file = join(directory, blobPath(digest));
      if (!existsSync(file)) throw new ArchiveFailure("missing-member", `${JSON.stringify(directory)} lacks the blob ${digest}`);
      return { offset, bytes: createReadStream(file, { start: offset, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer> };
    },
  };
}

/** BuildKit's older shape is an index that lists layers, and the config as one of them. */
async function cacheManifest(directory: string, descriptor: Descriptor): Promise<Descriptor> {
  if (!isIndex(descriptor)) return descriptor;
  const { manifests } = await readLayoutIndex(directory, descriptor);
  throw manifests.some(({ mediaType }) => isBuildkitConfig(mediaType)) ? buildkitCache() : noCache(directory);
}
