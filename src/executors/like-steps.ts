import type { DiffId } from "../oci/digest.ts";
import type { StepKey } from "../solver/backend.ts";
import { stepKey } from "../solver/step-key.ts";
import type { StepResult } from "../store/cache-records.ts";
import { sameTree } from "../store/layers/same-tree.ts";
import type { Store } from "../store/store.ts";
import type { KnownLayers } from "./layer-trees.ts";

/** Results kept of steps that are the same but for the tree they stand on. */
const KEPT = 4;

/**
 * Steps by all that goes into their keys but the tree they stand on. Where that tree is another stack of layers and
 * still holds the same (a file that changed was removed again by a step between), a step's result holds too.
 */
export class LikeSteps {
  readonly #store: Store;
  readonly #version: number;
  readonly #layers: KnownLayers;
  /** Stacks that were compared: a step that misses is looked up again when its turn has come. */
  readonly #compared = new Map<string, Promise<boolean>>();

  /** `layers` are those that trees may be of. */
  constructor(store: Store, version: number, layers: KnownLayers) {
    this.#store = store;
    this.#layers = layers;
    this.#version = version;
  }

  /** The result of a like step on the same tree, if its layer is here. */
  async find(key: StepKey, base: readonly DiffId[]): Promise<StepResult | undefined> {
    const [{ cache }, layers] = [this.#store, this.#layers];
    // Of layers that lie elsewhere nothing is known but their names.
    if (!base.every((layer) => layers.has(layer))) return undefined;
    for (const other of cache.likeSteps(this.#key(key))) {
      const result = other.key === key.key ? undefined : cache.step(other.key);
      if (result === undefined || !layers.has(result.layer) || !other.base.every((layer) => layers.has(layer))) continue;
      if (await this.#sameTree(other.base, base)) return result;
    }
    return undefined;
  }

  /** Whether there is a like step, on whatever tree. */
  has(key: StepKey): boolean {
    return this.#store.cache.likeSteps(this.#key(key)).length > 0;
  }

  #sameTree(other: readonly DiffId[], base: readonly DiffId[]): Promise<boolean> {
    const name = `${other.join()} ${base.join()}`;
    let same = this.#compared.get(name);
    if (same === undefined) {
      same = sameTree(other, base, this.#layers);
      this.#compared.set(name, same);
    }
    return same;
  }

  /** Notes that a step has a result; that itself is kept under its key. */
  remember(key: StepKey, base: readonly DiffId[]): void {
    if (key.ingredients["base"] === null || key.ingredients["base"] === undefined) return;
    const { cache } = this.#store;
    const name = this.#key(key);
    const others = cache.likeSteps(name).filter((other) => other.key !== key.key && cache.step(other.key) !== undefined);
    cache.putLikeSteps(name, [{ key: key.key, base }, ...others].slice(0, KEPT));
  }

  #key({ ingredients }: StepKey): string {
    return stepKey("like", this.#version, { ...ingredients, base: null }).key;
  }
}
