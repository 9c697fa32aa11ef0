import type { DiffId } from "../oci/digest.ts";
import type { Lower } from "../store/layers/lower.ts";
import type { HostEntry } from "./host-files.ts";
import type { IdMapping } from "./namespace.ts";
import type { NetworkKind, NetworkMode } from "./network/network.ts";

/** One command in a container over a stack of layers; plain data, as it crosses to the worker. */
export interface StepSpec {
  /** The layers, lowest first; may be more than a hundred. */
  readonly lowers: readonly Lower[];
  /** An empty directory of ours on the store's file system, below its root; everything the step makes lies in it. */
  readonly scratch: string;
  readonly argv: readonly string[];
  /** `NAME=value`, complete but for HOME, which is looked up when missing. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** `name|uid[:group|gid]`, looked up in the image; "" is root. */
  readonly user: string;
  readonly network: NetworkMode;
  readonly stdin?: string;
  readonly hostname?: string;
  readonly addHosts?: readonly HostEntry[];
}

export interface StepLayer {
  /** The overlay's upper directory, in the sandbox's dialect. */
  readonly directory: string;
  readonly tar: string;
  readonly index: string;
  readonly diffId: DiffId;
  readonly size: number;
}

/** Which network a step got; `reason` says why the default was not private. */
export interface StepNetwork {
  readonly kind: "private" | "host" | "none";
  /** What a private one reaches the outside by. */
  readonly by?: NetworkKind;
  readonly reason?: string;
}

export interface StepResult {
  readonly exitCode: number;
  /** What the step changed; only if it ended with 0. */
  readonly layer?: StepLayer;
  readonly network: StepNetwork;
}

export interface StepHooks {
  readonly signal: AbortSignal;
  onOutput(stream: "stdout" | "stderr", data: Buffer): void;
}

/** The worker's side of {@link StepHooks}: a promise holds the container's output back until the channel has room again. */
export interface WorkerHooks {
  readonly signal: AbortSignal;
  onOutput(stream: "stdout" | "stderr", data: Buffer): Promise<void> | undefined;
}

/** What the sandbox found on this machine. */
export interface SandboxFacts {
  /** The runtime's path. */
  readonly runtime: string;
  readonly network: "private" | "host";
  /** What a private network reaches the outside by. */
  readonly networkBy?: NetworkKind;
  /** Why the network is the host's. */
  readonly networkReason?: string;
  /** `null` as root: ids stand for themselves. */
  readonly mapping: IdMapping | null;
  readonly dialect: "trusted" | "user";
  /** Why layers cannot be mounted in place and are unpacked; null where they can. */
  readonly imageObstacle: string | null;
}
