import { rm } from "node:fs/promises";
import { errnoOf } from "../base/failure.ts";
import { chainIdOf, type DiffId } from "../oci/digest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { collect, wouldFree, type Collected } from "../store/collect/collect.ts";
import { partsOf } from "../store/collect/reachable.ts";
import type { Container } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import type { Laminate } from "./laminate.ts";

export type WithSandbox = Pick<Laminate, "store" | "sandbox" | "env">;

/** What was taken away, in order: a name, the whole image, or (as the chainID below it) a layer that went with it. */
export type Removal = { readonly untagged: string } | { readonly deleted: string };

/** Frees the layers and blobs that no image, container, cache record or working process needs; `forget` first, in the same transaction. */
export async function collectGarbage({ store, sandbox }: WithSandbox, options: { readonly forget?: () => void; readonly only?: ReadonlySet<string> } = {}): Promise<Collected> {
  return await collect(store, {
    ...options,
    containerLayers: () => layersOf(new Containers(store.root).list()),
    removeTree: async (place) => {
      try {
        await rm(place, { recursive: true, force: true });
      } catch (error) {
        // Files of subordinate ids.
        if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") throw error;
        await sandbox.removeTree(place);
      }
    },
  });
}

/** The bytes that {@link collectGarbage} would free now with these containers, were `forget` done first; nothing is. */
export function whatWouldFree({ store }: Pick<WithSandbox, "store">, containers: readonly Container[], forget: () => void): number {
  return wouldFree(store, { forget, containerLayers: () => layersOf(containers) });
}

function layersOf(containers: readonly Container[]): readonly DiffId[] {
  return containers.flatMap(({ record }) => record.layers);
}

/** Removes an image and at once what only it needed. What other images' removal left is for prune. */
export async function removeImage(laminate: WithSandbox, record: ImageRecord): Promise<readonly Removal[]> {
  const { store } = laminate;
  const { parts, layers } = await whatItHas(laminate, record);
  const { layers: gone } = await collectGarbage(laminate, { forget: () => store.images.remove(record.id), only: new Set(parts) });
  return [{ deleted: record.id }, ...removedChains(layers, gone)];
}

/** The chainIDs of layers that went, the uppermost first, as docker lists them. */
export function removedChains(layers: ImageLayers, gone: Collected["layers"]): readonly Removal[] {
  return layers.flatMap((layer, at) => (gone.has(layer) ? [{ deleted: chainIdOf(layers.slice(0, at + 1))! }] : [])).reverse();
}

type ImageLayers = Awaited<ReturnType<Laminate["store"]["images"]["config"]>>["rootfs"]["diff_ids"];

/** An image whose files are damaged can be removed all the same; what it had is then found by prune. */
async function whatItHas({ store }: WithSandbox, record: ImageRecord): Promise<{ readonly parts: readonly string[]; readonly layers: ImageLayers }> {
  try {
    return { parts: partsOf(store, record), layers: (await store.images.config(record)).rootfs.diff_ids };
  } catch {
    return { parts: [], layers: [] };
  }
}
