import type { BytePath } from "../../base/byte-path.ts";
import type { Entry } from "./entry.ts";

/** What a layer does, as a sorted list of entries, one a path. */
export class LayerIndex {
  /** Sorted by path bytes. */
  readonly entries: readonly Entry[];
  /** Bytes of the layer's uncompressed tar. */
  readonly tarSize: number;
  /** Whether the tar is one that was composed here of just these entries, in this order. */
  readonly composed: boolean;

  constructor(entries: readonly Entry[], { tarSize, composed }: { readonly tarSize: number; readonly composed: boolean } = { tarSize: 0, composed: false }) {
    this.entries = entries;
    this.tarSize = tarSize;
    this.composed = composed;
  }

  get(path: BytePath): Entry | undefined {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle]!.path < path) low = middle + 1;
      else high = middle;
    }
    const found = this.entries[low];
    return found?.path === path ? found : undefined;
  }
}
