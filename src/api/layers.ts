import { pathText } from "../base/byte-path.ts";
import type { DiffId } from "../oci/digest.ts";
import { layerEffects, type Effect } from "../store/layers/layer-effects.ts";
import type { Entry } from "../store/layers/entry.ts";
import { Tree } from "../store/layers/tree.ts";
import { viewImage, type WithStore } from "./image-view.ts";

/** What a layer does to one path. */
export interface LayerChange {
  readonly kind: Effect["kind"];
  readonly path: string;
  readonly type: Entry["type"];
  /** Bytes. */
  readonly size: number;
  /** The number of the layer that hides it again. */
  readonly hiddenBy?: number;
}

/** A layer of an image with what it does to those below. */
export interface LayerContents {
  /** From 1, the lowest. */
  readonly number: number;
  readonly diffId: DiffId;
  /** The instruction that made it, as the image's history has it. */
  readonly createdBy: string;
  /** Bytes of its files. */
  readonly size: number;
  /** Bytes of its files that later layers replace or delete: they travel and nobody sees them. */
  readonly hidden: number;
  readonly changes: readonly LayerChange[];
}

/** Files of the image with the same content. */
export interface Duplicate {
  readonly digest: string;
  readonly size: number;
  readonly paths: readonly string[];
}

/** The layers of an image, lowest first, with what of them is in vain. */
export interface ImageLayers {
  readonly id: string;
  readonly layers: readonly LayerContents[];
  /** Those that take most, of files that show, most first. */
  readonly duplicates: readonly Duplicate[];
}

const MOST_DUPLICATES = 20;

/** What each layer of an image adds, changes and deletes, and what of it is in vain. Throws StoreFailure `no-such-image`. */
export async function layers({ store }: WithStore, options: { readonly image: string }): Promise<ImageLayers> {
  const record = store.images.find(options.image);
  const { config, layerSizes } = await viewImage(store, record);
  const diffIds = config.rootfs.diff_ids;
  const indexes = await Promise.all(diffIds.map((diffId) => store.layers.index(diffId)));
  const makers = (config.history ?? []).filter((entry) => entry.empty_layer !== true);
  const effects = layerEffects(indexes);
  return {
    id: record.id,
    layers: diffIds.map((diffId, place) => ({
      number: place + 1,
      diffId,
      createdBy: makers[place]?.created_by ?? "",
      size: layerSizes[place]!,
      hidden: effects[place]!.reduce((sum, { entry, hiddenBy }) => sum + (hiddenBy === undefined ? 0 : entry.size), 0),
      changes: effects[place]!.map(({ kind, entry, hiddenBy }) => ({ kind, path: `/${pathText(entry.path)}`, type: entry.type, size: entry.size, ...(hiddenBy === undefined ? {} : { hiddenBy: hiddenBy + 1 }) })),
    })),
    duplicates: duplicatesIn(new Tree(diffIds.map((diffId, place) => ({ diffId, index: indexes[place]! })))),
  };
}

function duplicatesIn(tree: Tree): Duplicate[] {
  const byDigest = new Map<string, { size: number; paths: string[] }>();
  for (const { entry } of tree.walk()) {
    if (entry.type !== "file" || entry.size === 0 || entry.digest === undefined) continue;
    const found = byDigest.get(entry.digest);
    if (found === undefined) byDigest.set(entry.digest, { size: entry.size, paths: [`/${pathText(entry.path)}`] });
    else found.paths.push(`/${pathText(entry.path)}`);
  }
  const twice = [...byDigest].filter(([, { paths }]) => paths.length > 1).map(([digest, { size, paths }]) => ({ digest, size, paths }));
  const wasted = ({ size, paths }: Duplicate): number => size * (paths.length - 1);
  return twice.sort((a, b) => wasted(b) - wasted(a)).slice(0, MOST_DUPLICATES);
}
