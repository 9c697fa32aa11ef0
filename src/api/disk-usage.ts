import path from "node:path";
import { namesIn, pathIn, stateOf, type Container, type ContainerState } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import type { DiffId } from "../oci/digest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { treeBytes } from "../store/collect/bytes.ts";
import type { Store } from "../store/store.ts";
import type { WithStore } from "./image-view.ts";
import { cacheMountUses, cacheUses, wholeLayerBytes, type CacheMountUse, type CacheUse } from "./prune-cache.ts";

export interface ImageUse {
  readonly record: ImageRecord;
  /** Bytes of all its layers, of those that other images have too, and of those that only it has. */
  readonly size: number;
  readonly shared: number;
  readonly unique: number;
  readonly containers: number;
}

export interface ContainerUse {
  readonly container: Container;
  readonly state: ContainerState;
  /** Bytes that it wrote. */
  readonly size: number;
}

export interface VolumeUse {
  readonly name: string;
  readonly size: number;
  /** Containers that have it. */
  readonly links: number;
}

/** What takes room in the store, in bytes of the disk: a layer counts with its tar, its directory and its blobs. */
export interface DiskUsage {
  readonly images: readonly ImageUse[];
  /** All images' layers, each once. */
  readonly imagesSize: number;
  /** Of these, what no container's image has. */
  readonly imagesReclaimable: number;
  readonly containers: readonly ContainerUse[];
  readonly volumes: readonly VolumeUse[];
  readonly cache: readonly CacheUse[];
  readonly cacheMounts: readonly CacheMountUse[];
}

export async function diskUsage({ store }: WithStore): Promise<DiskUsage> {
  const containers = new Containers(store.root).list();
  const images = await Promise.all(store.images.list().map(async (record) => ({ record, layers: await layersOf(store, record) })));
  const counts = new Map<DiffId, number>();
  for (const { layers } of images) for (const layer of layers) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  const sizes = new Map<DiffId, number>();
  for (const layer of counts.keys()) sizes.set(layer, await wholeLayerBytes(store, layer));
  const bytes = (layers: Iterable<DiffId>) => [...layers].reduce((sum, layer) => sum + (sizes.get(layer) ?? 0), 0);
  const users = (id: string) => containers.filter(({ record }) => record.image.id === id).length;
  const inUse = new Set([...containers.flatMap(({ record }) => record.layers), ...images.filter(({ record }) => users(record.id) > 0).flatMap(({ layers }) => [...layers])]);
  return {
    images: images.map(({ record, layers }) => {
      const shared = bytes([...layers].filter((layer) => counts.get(layer)! > 1));
      const size = bytes(layers);
      return { record, size, shared, unique: size - shared, containers: users(record.id) };
    }),
    imagesSize: bytes(counts.keys()),
    imagesReclaimable: bytes([...counts.keys()].filter((layer) => !inUse.has(layer))),
    containers: await Promise.all(containers.map(async (container) => ({ container, state: stateOf(container), size: await treeBytes(pathIn(container, "upper")) }))),
    volumes: await volumesOf(store.root, containers),
    cache: await cacheUses(store),
    cacheMounts: await cacheMountUses(store),
  };
}

/** None for an image that is damaged, or that goes while it is looked at. */
async function layersOf(store: Store, image: ImageRecord): Promise<ReadonlySet<DiffId>> {
  const config = await store.images.config(image).catch(() => undefined);
  return new Set(config?.rootfs.diff_ids);
}

async function volumesOf(root: string, containers: readonly Container[]): Promise<readonly VolumeUse[]> {
  const directory = path.join(root, "volumes");
  const mounted = (name: string) => containers.filter(({ record }) => record.mounts.some((mount) => mount.type === "volume" && mount.name === name)).length;
  return await Promise.all(namesIn(directory).sort().map(async (name) => ({ name, size: await treeBytes(path.join(directory, name)), links: mounted(name) })));
}
