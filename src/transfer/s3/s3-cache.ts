import { Readable } from "node:stream";
import type { Descriptor } from "../../oci/descriptor.ts";
import { digestOf, hexOf } from "../../oci/digest.ts";
import { membersOf, parseJson, parseManifest, type Untrusted } from "../../oci/image-json.ts";
import { MANIFEST_BYTES } from "../../registry/manifests.ts";
import type { Store } from "../../store/store.ts";
import { buildkitCache, noCache, openCache, type CacheSource } from "../cache-source.ts";
import type { CacheDrop } from "../send-cache.ts";
import { Bucket, type BucketOptions } from "./bucket.ts";
import { blobKey, bucketName, manifestKey, type BucketCache } from "./bucket-keys.ts";

/** How a cache is written to a bucket. */
export interface BucketUpload {
  /** Blobs at a time. */
  readonly atOnce: number;
  /** A blob that is there and older than this is made young again. Milliseconds. */
  readonly touchAfter: number;
}

/** Opens the cache that a bucket has under one of some names. Throws RegistryFailure, TransferFailure or InvalidImage. */
export async function openBucketCache(store: Store, cache: BucketCache, options: BucketOptions & { readonly signal: AbortSignal }): Promise<CacheSource> {
  const bucket = new Bucket(cache, options);
  try {
    for (const name of cache.names) {
      const bytes = await bucket.read(manifestKey(cache, name), MANIFEST_BYTES, options.signal);
      if (bytes === undefined) continue;
      const given: Untrusted = { what: bucketName(cache, name), bytes };
      if (isBuildkitList(given)) throw buildkitCache();
      const blobs = { retries: bucket.retries, open: (blob: Descriptor, from: { readonly offset?: number; readonly signal: AbortSignal }) => bucket.open(blobKey(cache, blob), blob.size, from) };
      return await openCache(given.what, parseManifest(given), { blobs, store, signal: options.signal, close: () => bucket[Symbol.dispose]() });
    }
    throw noCache(bucketName(cache));
  } catch (error) {
    bucket[Symbol.dispose]();
    throw error;
  }
}

/** Where a cache is written in a bucket. */
export function bucketDrop(cache: BucketCache & BucketUpload, options: BucketOptions): CacheDrop {
  const bucket = new Bucket(cache, options);
  return {
    atOnce: cache.atOnce,
    async has(blob, signal) {
      const there = await bucket.look(blobKey(cache, blob), signal);
      if (there?.size !== blob.size) return false;
      if (Date.now() - there.modified > cache.touchAfter) await bucket.touch(blobKey(cache, blob), blob.size, signal);
      return true;
    },
    send: ({ blob, open, onProgress }, signal) => bucket.put({ key: blobKey(cache, blob), size: blob.size, sha256: hexOf(blob.digest), open, onProgress }, signal),
    async putManifest(manifest, signal) {
      for (const name of cache.names) {
        await bucket.put({ key: manifestKey(cache, name), size: manifest.length, sha256: hexOf(digestOf(manifest)), open: () => Readable.from([manifest]), onProgress: () => undefined }, signal);
      }
    },
    [Symbol.dispose]: () => bucket[Symbol.dispose](),
  };
}

/** In a bucket BuildKit's own list is the object itself (moby/buildkit, cache/remotecache/s3). */
function isBuildkitList(given: Untrusted): boolean {
  return Array.isArray(membersOf(parseJson(given), given)["records"]);
}
