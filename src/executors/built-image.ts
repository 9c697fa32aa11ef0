import type { Lowered } from "../dockerfile/lower/result.ts";
import type { VertexId } from "../graph/vertex.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import type { DiffId } from "../oci/digest.ts";
import type { TreeValue, Value } from "./value.ts";

/** What a build made: an image but for its names. */
export interface BuiltImage {
  readonly config: Buffer;
  /** Lowest first. */
  readonly layers: readonly DiffId[];
}

/** The config says nothing but what the Dockerfile, the base and the layers say, so the same build gives the same image ID again. */
export function builtImage(lowered: Lowered, values: ReadonlyMap<VertexId, Value>): BuiltImage {
  const tree = treeOf(values, lowered.graph.target);
  return { config: Buffer.from(JSON.stringify(imageConfig(lowered, values, tree))), layers: tree.layers };
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
