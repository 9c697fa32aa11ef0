import type { DiffId, Digest } from "../oci/digest.ts";
import type { LayerIndex } from "../store/layers/layer-index.ts";
import type { StoredTar } from "../store/layers/stored-tar.ts";
import { Tree } from "../store/layers/tree.ts";
import { TreeSource } from "./copy/tree-source.ts";

/** What trees are made from: the indexes of layers, and their tars for contents. */
export interface LayerReader {
  index(diffId: DiffId): Promise<LayerIndex>;
  /** What a layer says, apart from when. */
  identity(diffId: DiffId): Promise<Digest>;
  tar(diffId: DiffId): Promise<StoredTar>;
}

/** The same, where it can be asked whether a layer is there. */
export interface KnownLayers extends LayerReader {
  has(diffId: DiffId): boolean;
}

/** The trees of layer stacks, each put together once a build. */
export class LayerTrees {
  readonly #layers: LayerReader;
  readonly #trees = new Map<string, Promise<Tree>>();

  constructor(layers: LayerReader) {
    this.#layers = layers;
  }

  /** The tree of a stack, lowest layer first. */
  tree(stack: readonly DiffId[]): Promise<Tree> {
    const name = stack.join(" ");
    let tree = this.#trees.get(name);
    if (tree === undefined) {
      tree = this.#make(stack);
      this.#trees.set(name, tree);
    }
    return tree;
  }

  /** The same as files to copy from; `name` is for people. */
  async source(name: string, stack: readonly DiffId[]): Promise<TreeSource> {
    return new TreeSource(name, await this.tree(stack), (diffId) => this.#layers.tar(diffId));
  }

  async #make(stack: readonly DiffId[]): Promise<Tree> {
    const indexes = await Promise.all(stack.map(async (diffId) => ({ diffId, index: await this.#layers.index(diffId) })));
    return new Tree(indexes);
  }
}
