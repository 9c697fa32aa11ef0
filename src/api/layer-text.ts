import { buffer } from "node:stream/consumers";
import { MOST_TEXT, textOf } from "../base/small-text.ts";
import type { DiffId } from "../oci/digest.ts";
import { readRange } from "../store/layers/located.ts";
import type { Store } from "../store/store.ts";

/** A small text in a layer that is in the store, by its digest: what a COPY took has another path there. */
export async function layerText({ layers }: Pick<Store, "layers">, layer: string | undefined, digest: string): Promise<string | undefined> {
  if (layer === undefined || !layers.has(layer as DiffId)) return undefined;
  const entry = (await layers.index(layer as DiffId)).entries.find((one) => one.digest === digest);
  if (entry === undefined || entry.size > MOST_TEXT) return undefined;
  if (entry.size === 0) return "";
  if (entry.offset === undefined) return undefined;
  return textOf(await buffer(readRange((await layers.tar(layer as DiffId)).locate(entry.offset), entry.size)));
}

/** How many lines two texts do not have in common, of the one of which that is more: what people call the lines that changed. */
export function linesChanged(before: string, after: string): number {
  const [own, other] = [before, after].map((text) => text.replace(/\n$/, "").split("\n"));
  const left = new Map<string, number>();
  for (const line of own!) left.set(line, (left.get(line) ?? 0) + 1);
  let common = 0;
  for (const line of other!) {
    const count = left.get(line) ?? 0;
    if (count === 0) continue;
    left.set(line, count - 1);
    common += 1;
  }
  // The end of the last line, too, is a change.
  return Math.max(1, Math.max(own!.length, other!.length) - common);
}
