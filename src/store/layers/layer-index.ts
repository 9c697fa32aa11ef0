import type { BytePath } from "../../base/byte-path.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";
import { EntryColumns } from "./entry-columns.ts";
import { layerIdentity } from "./identity.ts";

export interface LayerFacts {
  readonly tarSize: number;
  readonly composed: boolean;
  readonly identity?: Digest | undefined;
}

/** What a layer does, as a sorted list of entries, one a path. */
export class LayerIndex {
  /** Bytes of the layer's uncompressed tar. */
  readonly tarSize: number;
  /** Whether the tar is one that was composed here of just these entries, in this order. */
  readonly composed: boolean;
  #entries: readonly Entry[] | undefined;
  #columns: EntryColumns | undefined;
  #identity: Digest | undefined;

  /** Of entries sorted by path bytes. */
  constructor(of: readonly Entry[] | EntryColumns, { tarSize, composed, identity }: LayerFacts = { tarSize: 0, composed: false }) {
    if (of instanceof EntryColumns) this.#columns = of;
    else this.#entries = of;
    this.tarSize = tarSize;
    this.composed = composed;
    this.#identity = identity;
  }

  /** What it says, apart from when it was said. */
  get identity(): Digest {
    return (this.#identity ??= layerIdentity(this.entries));
  }

  /** Sorted by path bytes. Made when first asked for: who only compares, or asks for a few paths, does with {@link columns}. */
  get entries(): readonly Entry[] {
    return (this.#entries ??= Array.from(this.columns.paths, (_, place) => this.columns.entry(place)));
  }

  /** The same. */
  get columns(): EntryColumns {
    return (this.#columns ??= EntryColumns.of(this.#entries!));
  }

  get(path: BytePath): Entry | undefined {
    const { paths } = this.columns;
    let [low, high] = [0, paths.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (paths[middle]! < path) low = middle + 1;
      else high = middle;
    }
    if (paths[low] !== path) return undefined;
    return this.#entries?.[low] ?? this.columns.entry(low);
  }
}
