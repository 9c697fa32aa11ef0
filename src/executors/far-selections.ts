import type { CachedSelection } from "../oci/build-cache.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { Store } from "../store/store.ts";

/** What caches elsewhere say of trees: which files a step takes of one, by the tree's name and the words that choose. */
export interface KnownElsewhere {
  selection(of: Digest): Digest | undefined;
  /** What to throw where that was not so. */
  wrongSelection(of: Digest): Error;
}

/** Which files steps take of trees, so that nobody has to fetch a tree for a key. What somebody else said of one is held against it when it is here. */
export class FarSelections {
  readonly #store: Pick<Store, "layers">;
  readonly #elsewhere: KnownElsewhere | undefined;
  readonly #onSelection: (selection: CachedSelection) => void;
  readonly #claims = new Map<Digest, Digest>();

  constructor(store: Pick<Store, "layers">, elsewhere: KnownElsewhere | undefined, onSelection: (selection: CachedSelection) => void = () => undefined) {
    this.#store = store;
    this.#elsewhere = elsewhere;
    this.#onSelection = onSelection;
  }

  /** What is said of a tree that is not here; undefined where it is, or nobody knows. */
  claim(of: Digest, tree: readonly DiffId[]): Digest | undefined {
    const files = tree.every((layer) => this.#store.layers.has(layer)) ? undefined : this.#elsewhere?.selection(of);
    if (files === undefined) return undefined;
    this.#claims.set(of, files);
    this.#onSelection({ of, files });
    return files;
  }

  /** Somebody looked. Throws where that was not what had been said. */
  seen(of: Digest, files: Digest): void {
    const claimed = this.#claims.get(of);
    this.#claims.delete(of);
    if (claimed !== undefined && claimed !== files) throw this.#elsewhere!.wrongSelection(of);
    this.#onSelection({ of, files });
  }

  /** Whether a claim stands that nobody has looked after. */
  claimed(of: Digest): boolean {
    return this.#claims.has(of);
  }
}
