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
  #byPath: Map<BytePath, Entry> | undefined;

  constructor(entries: readonly Entry[], { tarSize, composed }: { readonly tarSize: number; readonly composed: boolean } = { tarSize: 0, composed: false }) {
    this.entries = entries;
    this.tarSize = tarSize;
    this.composed = composed;
  }

  get(path: BytePath): Entry | undefined {
    this.#byPath ??= new Map(this.entries.map((entry) => [entry.path, entry]));
    return this.#byPath.get(path);
  }
}
