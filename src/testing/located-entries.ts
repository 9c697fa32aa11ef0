import type { DiffId } from "../oci/digest.ts";
import type { Entry } from "../store/layers/entry.ts";
import { layerIdentity } from "../store/layers/identity.ts";
import type { NewLayer } from "../store/layers/layer-store.ts";
import type { Located } from "../store/layers/located.ts";

/** An entry with the place of a file's content. */
export interface LocatedEntry {
  readonly entry: Entry;
  readonly located?: Located;
}

/** A layer to be composed of them. */
export function layerOf(located: readonly LocatedEntry[], earlier?: DiffId): NewLayer {
  const entries = located.map(({ entry }) => entry);
  return { entries, identity: layerIdentity(entries), locate: (places) => places.map((place) => located[place]!.located!), ...(earlier === undefined ? {} : { earlier }) };
}
