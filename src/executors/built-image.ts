import type { Lowered } from "../dockerfile/lower/result.ts";
import type { VertexId } from "../graph/vertex.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import { INLINE_CACHE, type CachedStep } from "../oci/build-cache.ts";
import type { DiffId } from "../oci/digest.ts";
import type { TreeValue, Value } from "./value.ts";

/** What a build made: an image but for its names. */
export interface BuiltImage {
  readonly config: Buffer;
  /** Lowest first. */
  readonly layers: readonly DiffId[];
}

export interface DatedOptions {
  /** SOURCE_DATE_EPOCH, milliseconds since the epoch: the image and what its own lines made are of then. */
  readonly epoch: number | undefined;
  /** Makes of each layer of this build another one that says the same. */
  readonly relayer?: (layer: DiffId) => Promise<DiffId>;
  /** Steps to keep in the image itself, of which those count that made its layers. */
  readonly inlineCache?: readonly CachedStep[];
}

/** The config says nothing but what the Dockerfile, the base and the layers say, so the same build gives the same image ID again. */
export async function builtImage(lowered: Lowered, values: ReadonlyMap<VertexId, Value>, { epoch, relayer, inlineCache }: DatedOptions): Promise<BuiltImage> {
  const tree = treeOf(values, lowered.graph.target);
  const own = tree.layers.length - lowered.steps.filter(({ vertex }) => vertex !== undefined).length;
  const layers = relayer === undefined ? tree.layers : [...tree.layers.slice(0, own), ...(await Promise.all(tree.layers.slice(own).map(relayer)))];
  const date = epoch === undefined ? undefined : new Date(epoch).toISOString().replace(".000Z", "Z");
  const cache = inlineCache === undefined ? {} : { [INLINE_CACHE]: { steps: inlineCache.filter(({ layer }) => layers.includes(layer)) } };
  return { config: Buffer.from(JSON.stringify({ ...imageConfig(lowered, layers, historyOf(lowered, values, date), date), ...cache })), layers };
}

function imageConfig({ platform, config, author }: Lowered, layers: readonly DiffId[], history: readonly HistoryEntry[], date: string | undefined): ImageConfig {
  const created = date ?? history.at(-1)?.created;
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    config,
    rootfs: { type: "layers", diff_ids: layers },
    history,
  };
}

/** A line without a layer has the time of the layer above it, and above the first new layer that one's: as BuildKit dates them. */
function historyOf({ baseHistory, steps }: Lowered, values: ReadonlyMap<VertexId, Value>, date: string | undefined): HistoryEntry[] {
  const made = steps.map(({ vertex }) => date ?? (vertex === undefined ? undefined : treeOf(values, vertex).created));
  let created = made.find((time) => time !== undefined) ?? baseHistory.findLast((line) => line.created !== undefined)?.created;
  const added = steps.map(({ created_by, comment, vertex }, index) => {
    created = made[index] ?? created;
    return { ...(created === undefined ? {} : { created }), created_by, comment, ...(vertex === undefined ? { empty_layer: true } : {}) };
  });
  return [...baseHistory, ...added];
}

function treeOf(values: ReadonlyMap<VertexId, Value>, vertex: VertexId): TreeValue {
  const value = values.get(vertex);
  if (value?.kind !== "tree") {
    throw new Error(`Internal error: vertex ${vertex} made no tree`);
  }
  return value;
}
