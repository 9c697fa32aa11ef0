import type { Graph, VertexId } from "../../graph/vertex.ts";
import type { ContainerConfig, HistoryEntry, ImageConfig } from "../../oci/image-config.ts";
import type { Platform } from "../../oci/platform.ts";

/** Gives lowering the config of a base image (FROM); undefined config members mean an empty image. */
export type ResolveBase = (reference: string, platform: Platform) => Promise<ImageConfig>;

/** A history line of the image to be; `vertex` made its layer (none: an empty layer). */
export interface HistoryStep {
  readonly created_by: string;
  readonly comment: string;
  readonly vertex?: VertexId;
}

/** What a Dockerfile comes down to: the graph, and what the image says besides files. */
export interface Lowered {
  readonly graph: Graph;
  readonly platform: Platform;
  /** The base's config with the target stage's instructions applied. */
  readonly config: ContainerConfig;
  readonly author?: string;
  /** The base's own history, and after it one step an instruction of the target stage (and of stages it is FROM). */
  readonly baseHistory: readonly HistoryEntry[];
  readonly steps: readonly HistoryStep[];
  readonly warnings: readonly Warning[];
  /** The names of all stages, for messages. */
  readonly stages: readonly string[];
}

export interface Warning {
  readonly rule: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
}
