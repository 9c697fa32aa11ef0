import type { DiffId } from "../oci/digest.ts";
import type { Located } from "../store/layers/located.ts";
import type { Store } from "../store/store.ts";
import { LayerTrees } from "./layer-trees.ts";
import { spooled } from "./spooled.ts";

/**
 * A layer in which nothing is younger than a time (nanoseconds since the epoch): the same one where that is so, else
 * one that says the same but for the times (BuildKit, rewrite-timestamp).
 */
export async function clampTimes(store: Store, layer: DiffId, latest: bigint, signal: AbortSignal): Promise<DiffId> {
  const { entries, identity } = await store.layers.index(layer);
  if (entries.every(({ mtime }) => mtime <= latest)) return layer;
  const tar = await store.layers.tar(layer);
  const source = await new LayerTrees(store.layers).source("the layer", [layer]);
  const clamped = entries.map(({ offset: _offset, ...entry }) => (entry.mtime > latest ? { ...entry, mtime: latest } : entry));
  const locate = async (places: readonly number[]): Promise<Located[]> => {
    const located: Located[] = [];
    for (const place of places) {
      const entry = entries[place]!;
      located.push(entry.offset === undefined ? await spooled(source.read(entry), store) : tar.locate(entry.offset));
    }
    return located;
  };
  const made = await store.layers.compose({ entries: clamped, identity, locate, earlier: layer, signal });
  await store.layers.settled(made);
  return made;
}
