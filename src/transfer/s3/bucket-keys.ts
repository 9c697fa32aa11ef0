import type { Descriptor } from "../../oci/descriptor.ts";
import type { BucketAddress } from "./bucket.ts";

/** Where a cache lies in a bucket; the keys are made as BuildKit makes them, so that rules for both can be the same. */
export interface BucketCache extends BucketAddress {
  /** Before all keys. */
  readonly prefix: string;
  readonly blobsPrefix: string;
  readonly manifestsPrefix: string;
  /** It is written under each, and read under the first that is there. */
  readonly names: readonly string[];
}

/** For people. */
export function bucketName(cache: BucketCache, name = cache.names[0]!): string {
  return `s3://${cache.bucket}/${manifestKey(cache, name)}`;
}

/** Where a cache's manifest is. */
export function manifestKey({ prefix, manifestsPrefix }: BucketCache, name: string): string {
  return `${prefix}${manifestsPrefix}${name}`;
}

/** Where a blob of a cache is; caches under one prefix share them. */
export function blobKey({ prefix, blobsPrefix }: BucketCache, { digest }: Descriptor): string {
  return `${prefix}${blobsPrefix}${digest}`;
}
