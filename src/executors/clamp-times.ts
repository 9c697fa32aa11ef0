import type { DiffId } from "../oci/digest.ts";
import type { LocatedEntry } from "../store/layers/layer-pieces.ts";
import type { Store } from "../store/store.ts";
import { writeStream } from "../store/write-file.ts";
import { LayerTrees } from "./layer-trees.ts";

/**
 * A layer in which nothing is younger than a time (nanoseconds since the epoch): the same one where that is so, else
 * one that says the same but for the times (BuildKit, rewrite-timestamp).
 */
export async function clampTimes(store: Store, layer: DiffId, latest: bigint, signal: AbortSignal): Promise<DiffId> {
  const { entries } = await store.layers.index(layer);
  if (entries.every(({ mtime }) => mtime <= latest)) return layer;
  const tar = await store.layers.tar(layer);
  const source = await new LayerTrees(store.layers).source("the layer", [layer]);
  const clamped: LocatedEntry[] = [];
  for (const { offset, ...entry } of entries) {
    const timely = { ...entry, mtime: entry.mtime > latest ? latest : entry.mtime };
    if (entry.type !== "file" || entry.size === 0) clamped.push({ entry: timely });
    else if (offset !== undefined) clamped.push({ entry: timely, located: tar.locate(offset) });
    else {
      // A file with holes does not lie there in one piece.
      const file = store.temporaryFile();
      await writeStream(file, source.read(entry), () => undefined);
      clamped.push({ entry: timely, located: { file, offset: 0 } });
    }
  }
  const made = await store.layers.compose({ entries: clamped, earlier: layer, signal });
  await store.layers.settled(made);
  return made;
}
