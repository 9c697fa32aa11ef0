import { unreachable } from "../base/unreachable.ts";
import { actionsName } from "../transfer/actions/actions-keys.ts";
import { bucketName, type BucketCache } from "../transfer/s3/bucket-keys.ts";

/** A cache elsewhere, as far as its name goes. */
export type NamedCache = { readonly kind: "registry"; readonly reference: string } | { readonly kind: "local"; readonly directory: string } | ({ readonly kind: "s3" } & BucketCache) | { readonly kind: "gha"; readonly scope: string };

/** What a cache elsewhere is called, for people. */
export function cacheName(cache: NamedCache): string {
  switch (cache.kind) {
    case "registry":
      return cache.reference;
    case "local":
      return cache.directory;
    case "s3":
      return bucketName(cache);
    case "gha":
      return actionsName(cache);
    default:
      return unreachable(cache);
  }
}
