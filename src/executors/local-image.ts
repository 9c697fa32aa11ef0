import type { Lowered } from "../dockerfile/lower/result.ts";
import type { VertexId } from "../graph/vertex.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { putLocalImage } from "../store/images/put-local-image.ts";
import type { Store } from "../store/store.ts";
import type { TreeValue, Value } from "./value.ts";

/**
 * Puts what a build made into the store as an image under its names. The config says nothing but what the Dockerfile,
 * the base and the layers say, so the same build gives the same image ID again.
 */
export async function storeImage(store: Store, lowered: Lowered, values: ReadonlyMap<VertexId, Value>, names: readonly string[]): Promise<ImageRecord> {
  const tree = treeOf(values, lowered.graph.target);
  return putLocalImage(store, Buffer.from(JSON.stringify(imageConfig(lowered, values, tree))), tree.layers, names);
}

function imageConfig(lowered: Lowered, values: ReadonlyMap<VertexId, Value>, tree: TreeValue): ImageConfig {
  const { platform, config, author } = lowered;
  const history = historyOf(lowered, values);
  const created = history.at(-1)?.created;
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    config,
    rootfs: { type: "layers", diff_ids: tree.layers },
    history,
  };
}

/** A line without a layer has the time of the line above it: it was made when nothing else was. */
function historyOf({ baseHistory, steps }: Lowered, values: ReadonlyMap<VertexId, Value>): HistoryEntry[] {
  const history = [...baseHistory];
  for (const { created_by, comment, vertex } of steps) {
    const created = vertex === undefined ? history.at(-1)?.created : treeOf(values, vertex).created;
    history.push({ ...(created === undefined ? {} : { created }), created_by, comment, ...(vertex === undefined ? { empty_layer: true } : {}) });
  }
  return history;
}

function treeOf(values: ReadonlyMap<VertexId, Value>, vertex: VertexId): TreeValue {
  const value = values.get(vertex);
  if (value?.kind !== "tree") {
    throw new Error(`Internal error: vertex ${vertex} made no tree`);
  }
  return value;
}
