import { namesIn, stateOf, type Container, type ContainerState } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { hexOf, isDigest, type Digest, type DiffId } from "../oci/digest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { occupied, type Occupied } from "../store/collect/occupied.ts";
import { partsOf } from "../store/collect/reachable.ts";
import type { Store } from "../store/store.ts";
import { cacheParts, type CachePart, type CacheSizes } from "./cache-parts.ts";
import type { WithStore } from "./image-view.ts";

/** What an image takes. */
export interface ImageUse {
  readonly record: ImageRecord;
  /** Bytes of all that it has, of what other images have too, and of what only it has. */
  readonly size: number;
  readonly shared: number;
  readonly unique: number;
  /** The other images that have some of it. */
  readonly sharedWith: readonly ImageRecord[];
  readonly containers: number;
}

/** What a container takes. */
export interface ContainerUse {
  readonly container: Container;
  readonly state: ContainerState;
  /** Bytes of what it wrote and what is kept about it. */
  readonly size: number;
}

/** What a volume takes. */
export interface VolumeUse {
  readonly name: string;
  readonly size: number;
  /** Containers that have it. */
  readonly links: number;
}

/** What the bytes of a store are for; each of them is for one thing, the first of these that has it. */
export const PURPOSES = ["images", "containers", "volumes", "cache", "contexts", "builds", "temporary", "store"] as const;
/** One of them. */
export type Purpose = (typeof PURPOSES)[number];

/** Where every byte of the store is, in bytes of the disk. */
export interface DiskUsage {
  /** What `du` says of the store's directory: the sum of `by`. */
  readonly total: number;
  readonly by: Readonly<Record<Purpose, number>>;
  /** Of the images, what no container's image has. */
  readonly imagesReclaimable: number;
  /** Of what is temporary, what nothing needs: a prune takes it. */
  readonly unneeded: number;
  readonly images: readonly ImageUse[];
  readonly containers: readonly ContainerUse[];
  readonly volumes: readonly VolumeUse[];
  readonly cache: readonly CachePart[];
}

/** Places of the store by what they are for; what is not here is the store's own. */
const PLACES: Readonly<Record<string, Purpose>> = {
  containers: "containers",
  "container-names": "containers",
  volumes: "volumes",
  caches: "cache",
  "file-digests": "contexts",
  "known-selections": "contexts",
  selections: "contexts",
  "build-logs": "builds",
  "records.sqlite": "builds",
  "records.sqlite-wal": "builds",
  "records.sqlite-shm": "builds",
  tmp: "temporary",
  partial: "temporary",
};

/** Looks at every file of the store. The walk comes before the records are opened, so that it sees nothing of what it makes itself. */
export function diskUsage({ store }: WithStore): DiskUsage {
  const disk = occupied(store.root);
  const containers = new Containers(store.root).list();
  const images = store.images.list().map((record) => ({ record, places: new Set(placesOf(store, readableParts(store, record))) }));
  const ofContainers = new Set(placesOf(store, containers.flatMap(({ record }) => [...record.layers, ...record.layers.flatMap((layer) => store.layers.below(layer))])));
  const cache = cacheParts(store, sizesIn(disk, store));
  const ofCache = new Set(placesOf(store, cache.flatMap(({ content }) => (isDigest(content) ? [content] : []))));
  const ofImages = new Set(images.flatMap(({ places }) => [...places]));
  const purposeOf = (place: string): Purpose => {
    if (ofImages.has(place)) return "images";
    if (ofContainers.has(place)) return "containers";
    if (ofCache.has(place)) return "cache";
    // Layers and blobs that nothing names are what a killed build left, or one that is at work makes.
    return /^(layers|blobs)\//.test(place) ? "temporary" : (PLACES[place.split("/")[0]!] ?? "store");
  };
  const by = bytesBy(disk, purposeOf);
  const users = (id: string): number => containers.filter(({ record }) => record.image.id === id).length;
  const busy = new Set([...ofContainers, ...images.filter(({ record }) => users(record.id) > 0).flatMap(({ places }) => [...places])]);
  const mounted = (name: string): number => containers.filter(({ record }) => record.mounts.some((mount) => mount.type === "volume" && mount.name === name)).length;
  return {
    total: disk.total,
    by,
    imagesReclaimable: bytesOf(disk, (places) => places.some((place) => ofImages.has(place)) && !places.some((place) => busy.has(place))),
    unneeded: bytesOf(disk, (places) => places.every((place) => /^(layers|blobs)\//.test(place) && purposeOf(place) === "temporary")),
    images: images.map((image) => imageUse(disk, image, { images, containers: users(image.record.id) })),
    containers: containers.map((container) => ({ container, state: stateOf(container), size: disk.places.get(`containers/${container.id}`) ?? 0 })),
    volumes: namesIn(`${store.root}/volumes`).sort().map((name) => ({ name, size: disk.places.get(`volumes/${name}`) ?? 0, links: mounted(name) })),
    cache,
  };
}

/** What the parts of the cache take by this look at the disk; what several layers have counts in parts. */
function sizesIn({ places, shared }: Occupied, store: Store): CacheSizes {
  const shares = new Map<string, number>();
  for (const { bytes, places: those } of shared) for (const place of those) shares.set(place, (shares.get(place) ?? 0) + bytes / those.length);
  const bytesAt = (place: string): number => Math.round((places.get(place) ?? 0) + (shares.get(place) ?? 0));
  const contents = new Map(store.cache.list().map(({ content }) => [content as string, placesOf(store, [content]).reduce((sum, place) => sum + bytesAt(place), 0)]));
  return { contents, mounts: store.cacheMounts.list().map((mount) => ({ mount, bytes: bytesAt(`caches/${mount.name}`) })) };
}

interface PlacedImage {
  readonly record: ImageRecord;
  readonly places: ReadonlySet<string>;
}

function imageUse(disk: Occupied, { record, places }: PlacedImage, { images, containers }: { readonly images: readonly PlacedImage[]; readonly containers: number }): ImageUse {
  const others = images.filter((other) => other.record.id !== record.id && [...places].some((place) => other.places.has(place)));
  const size = bytesOf(disk, (those) => those.some((place) => places.has(place)));
  const unique = bytesOf(disk, (those) => those.some((place) => places.has(place)) && !those.some((place) => others.some((other) => other.places.has(place))));
  return { record, size, shared: size - unique, unique, sharedWith: others.map((other) => other.record), containers };
}

/** Bytes of the inodes whose places are so. */
function bytesOf({ places, shared }: Occupied, wanted: (places: readonly string[]) => boolean): number {
  let sum = 0;
  for (const [place, bytes] of places) if (wanted([place])) sum += bytes;
  for (const { bytes, places: those } of shared) if (wanted(those)) sum += bytes;
  return sum;
}

function bytesBy(disk: Occupied, purposeOf: (place: string) => Purpose): Record<Purpose, number> {
  const by = Object.fromEntries(PURPOSES.map((purpose) => [purpose, 0])) as Record<Purpose, number>;
  for (const [place, bytes] of disk.places) by[purposeOf(place)] += bytes;
  for (const { bytes, places } of disk.shared) {
    const purposes = new Set(places.map(purposeOf));
    by[PURPOSES.find((purpose) => purposes.has(purpose))!] += bytes;
  }
  return by;
}

/** Where layers and blobs lie, the layers' blobs with them. */
function placesOf(store: Store, digests: readonly Digest[]): string[] {
  const blobs = digests.flatMap((digest) => store.layers.blobs(digest as DiffId).map((blob) => blob.digest));
  return [...digests, ...blobs].flatMap((digest) => [`layers/${hexOf(digest)}`, `blobs/sha256/${hexOf(digest)}`]);
}

/** None for an image that is damaged, or that goes while it is looked at. */
function readableParts(store: Store, image: ImageRecord): readonly Digest[] {
  try {
    return partsOf(store, image);
  } catch {
    return [image.id, image.manifest.digest];
  }
}
