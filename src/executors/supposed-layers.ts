import { digestOf, type DiffId, type Digest } from "../oci/digest.ts";
import type { LayerIndex } from "../store/layers/layer-index.ts";
import type { StoredTar } from "../store/layers/stored-tar.ts";
import type { KnownLayers } from "./layer-trees.ts";

/** The layers of a store, and such as nobody has made yet: of these there are indexes and no contents, under names that no layer has. */
export class SupposedLayers implements KnownLayers {
  readonly #layers: KnownLayers;
  readonly #supposed = new Map<DiffId, LayerIndex>();

  constructor(layers: KnownLayers) {
    this.#layers = layers;
  }

  /** Takes in a layer that would be made, and gives the name by which it is known here. */
  suppose(index: LayerIndex): DiffId {
    const name = digestOf(`supposed layer ${this.#supposed.size}`) as DiffId;
    this.#supposed.set(name, index);
    return name;
  }

  has(layer: DiffId): boolean {
    return this.#supposed.has(layer) || this.#layers.has(layer);
  }

  async index(layer: DiffId): Promise<LayerIndex> {
    return this.#supposed.get(layer) ?? (await this.#layers.index(layer));
  }

  async identity(layer: DiffId): Promise<Digest> {
    return this.#supposed.get(layer)?.identity ?? (await this.#layers.identity(layer));
  }

  tar(layer: DiffId): Promise<StoredTar> {
    return this.#layers.tar(layer);
  }
}
