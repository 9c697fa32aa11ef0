import type { BytePath } from "../../base/byte-path.ts";
import type { Entry } from "./entry.ts";

/** What a layer does, as a sorted list of entries, one a path. */
export class LayerIndex {
  /** Sorted by path bytes. */
  readonly entries: readonly Entry[];
  #byPath: Map<BytePath, Entry> | undefined;

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
  }

  get(path: BytePath): Entry | undefined {
    this.#byPath ??= new Map(this.entries.map((entry) => [entry.path, entry]));
    return this.#byPath.get(path);
  }
}
