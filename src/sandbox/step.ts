import type { DiffId } from "../oci/digest.ts";
import type { Lower } from "../store/layers/lower.ts";
import type { HostEntry } from "./host-files.ts";
import type { IdMapping } from "./namespace.ts";
import type { NetworkKind, NetworkMode } from "./network/network.ts";
import type { SpecLimit } from "./runtime-spec.ts";

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
  readonly hostname?: string;
  readonly addHosts?: readonly HostEntry[];
  /** What it sees beside its layers; nothing of it is in the step's layer. */
  readonly mounts?: readonly StepMount[];
  /** `NAME=value` that only the process itself may learn. */
  readonly secretEnv?: readonly string[];
  /** Every capability and device, no seccomp filter, nothing of /proc and /sys hidden. */
  readonly insecure?: boolean;
  readonly bounds?: StepBounds;
  /** Note which files of its tree it opens. */
  readonly trace?: boolean;
}

/** What a step may take of the machine. */
export interface StepBounds {
  /** Size of /dev/shm. */
  readonly shmBytes?: number;
  readonly ulimits?: readonly SpecLimit[];
  /** Only in a sandbox that was made with `cgroups`. */
  readonly cgroup?: StepCgroup;
}

/** Each step gets a cgroup of its own, whose name begins so. */
export interface StepCgroup {
  /** Of the runtime spec's `cgroupsPath`. */
  readonly path: string;
  /** The same in each hierarchy. */
  readonly directories: readonly string[];
  /** `linux.resources` of the runtime spec. */
  readonly resources: object;
}

/** Something at the absolute path `target` of a step's container. */
export type StepMount =
  /** A stack of layers, lowest first, or what lies at `source` in it; what is written there is thrown away. */
  | ({ readonly kind: "tree"; readonly readOnly: boolean } & Target & TreePart)
  /** A directory of this machine that stays. Where it is not there it is made, its content from `seed`. */
  | ({ readonly kind: "cache"; readonly path: string; readonly readOnly: boolean; readonly seed?: TreePart; readonly owner?: FileOwner } & Target)
  /** Files in memory; `size` in bytes. */
  | ({ readonly kind: "tmpfs"; readonly size?: number } & Target)
  /** A file in memory; `content` is base64. */
  | ({ readonly kind: "secret"; readonly content: string } & Target & FileOwner)
  /** A file that can be executed. */
  | ({ readonly kind: "script"; readonly text: string } & Target)
  /** A socket whose connections go to the one at `agent` on this machine. */
  | ({ readonly kind: "agent"; readonly agent: string } & Target & FileOwner);

interface Target {
  readonly target: string;
}

export interface TreePart {
  readonly lowers: readonly Lower[];
  readonly source: string;
}

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface StepLayer {
  /** The overlay's upper directory, in the sandbox's dialect. */
  readonly directory: string;
  readonly tar: string;
  readonly index: string;
  readonly diffId: DiffId;
  readonly size: number;
}

/** A directory below the store's root of which a layer is to be made. */
export interface TreeToPack {
  readonly directory: string;
  /** New files for the layer's tar and index. */
  readonly tar: string;
  readonly index: string;
  /** One whose files have more bytes is not packed. */
  readonly most: number;
}

export interface PackedTree {
  /** Bytes of its files. */
  readonly size: number;
  /** None of what is empty or too large. */
  readonly diffId?: DiffId;
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
  /** Only where it was asked for. */
  readonly reads?: StepReads;
}

/** The files and directories that a step opened, by their absolute paths (bytes as latin1) in its tree; or why they could not be noted. */
export type StepReads = { readonly files: readonly string[]; readonly directories: readonly string[] } | { readonly reason: string };

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
