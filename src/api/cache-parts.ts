import type { CacheMount } from "../store/cache-mounts.ts";
import type { CacheRecord } from "../store/cache-records.ts";
import { layerBytes, treeBytes } from "../store/collect/bytes.ts";
import { partsOf } from "../store/collect/reachable.ts";
import { inodeAt } from "../store/collect/walk.ts";
import type { Kept } from "../store/collect/worth.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";

/** What the build cache holds, in BuildKit's words. */
export const CACHE_TYPES = ["regular", "source.http", "exec.cachemount"] as const;
/** One of them. */
export type CacheType = (typeof CACHE_TYPES)[number];

/** A record of the build cache, or a cache mount. */
export interface CachePart extends Kept {
  readonly type: CacheType;
  /** The step's key, the URL, the cache mount's name. */
  readonly id: string;
  /** The instruction it is of, for people; empty where nobody noted it. */
  readonly description: string;
  /** What it takes the disk for: parts of one content free it together. */
  readonly content: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** An image has its content too, so that nothing is freed when the part goes. */
  readonly shared: boolean;
  /** A process at work holds it. */
  readonly inUse: boolean;
  /** What it is in the store. */
  readonly origin: { readonly record: CacheRecord } | { readonly mount: CacheMount };
}

/** What the parts of the cache take of the disk, looked at before a transaction decides about them. */
export interface CacheSizes {
  readonly mounts: readonly { readonly mount: CacheMount; readonly bytes: number }[];
  /** By the digest of what a record names. */
  readonly contents: ReadonlyMap<string, number>;
}

/** Looks at what the cache takes of the disk. */
export function cacheSizes(store: Store): CacheSizes {
  const contents = new Map<string, number>();
  for (const { kind, content } of store.cache.list()) if (!contents.has(content)) contents.set(content, contentBytes(store, kind, content));
  return { contents, mounts: store.cacheMounts.list().map((mount) => ({ mount, bytes: treeBytes(mount.place) })) };
}

function contentBytes(store: Store, kind: CacheRecord["kind"], content: Digest): number {
  const blobs = kind === "download" ? [content] : store.layers.blobs(content as DiffId).map(({ digest }) => digest);
  const own = kind === "download" ? 0 : layerBytes(store.layers.place(content as DiffId));
  return blobs.reduce((sum, digest) => sum + (inodeAt(store.content.path(digest))?.bytes ?? 0), own);
}

/** All parts of the cache, the longest unused first. Within a transaction what it says of them stays true. */
export function cacheParts(store: Store, { contents, mounts }: CacheSizes): CachePart[] {
  const shared = new Set<string>(store.images.list().flatMap((image) => readableParts(store, image)));
  const held = store.leases.held();
  const records = store.cache.list().map((record): CachePart => ({
    type: record.kind === "step" ? "regular" : "source.http",
    id: record.key,
    description: record.name ?? "",
    content: record.content,
    bytes: contents.get(record.content) ?? 0,
    created: record.created,
    used: record.used,
    uses: record.uses,
    took: record.took,
    shared: shared.has(record.content),
    inUse: held.has(record.content),
    origin: { record },
  }));
  const caches = mounts.map(({ mount, bytes }): CachePart => ({
    type: "exec.cachemount",
    id: mount.name,
    description: `cache mount ${mount.id}`,
    content: `mount ${mount.name}`,
    bytes,
    created: mount.created,
    used: mount.used,
    uses: 1,
    shared: false,
    inUse: false, // whoever removes it finds out
    origin: { mount },
  }));
  return [...records, ...caches].toSorted((a, b) => a.used - b.used);
}

/** An image that is damaged, or goes while it is looked at, has nothing. */
function readableParts(store: Store, image: ImageRecord): readonly Digest[] {
  try {
    return partsOf(store, image);
  } catch {
    return [];
  }
}
