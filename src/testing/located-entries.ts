import type { DiffId } from "../oci/digest.ts";
import type { Entry } from "../store/layers/entry.ts";
import type { NewLayer } from "../store/layers/layer-store.ts";
import type { Located } from "../store/layers/located.ts";

/** An entry with the place of a file's content. */
export interface LocatedEntry {
  readonly entry: Entry;
  readonly located?: Located;
}

/** A layer to be composed of them. */
export function layerOf(located: readonly LocatedEntry[], earlier?: DiffId): NewLayer {
  return { entries: located.map(({ entry }) => entry), locate: (places) => places.map((place) => located[place]!.located!), ...(earlier === undefined ? {} : { earlier }) };
}
