import type { Descriptor } from "../../oci/descriptor.ts";
import type { ActionsAddress } from "./actions-service.ts";

/** A cache in the cache service of GitHub Actions. Without an address this is no job of it. */
export interface ActionsCache {
  readonly address?: ActionsAddress;
  readonly scope: string;
  /** Milliseconds for reading the list, for a layer, and for writing all. */
  readonly timeout: number;
}

/** For people. */
export function actionsName({ scope }: Pick<ActionsCache, "scope">): string {
  return `gha:${scope}`;
}

/** How the keys of a scope's lists begin; no other scope's begin so. */
export function listPrefix({ scope }: ActionsCache): string {
  return `laminate-list-1-${encodeURIComponent(scope)}#`;
}

/** The key of a blob; the caches of all scopes share it. */
export function blobKey({ digest }: Descriptor): string {
  return `laminate-blob-1-${digest}`;
}
