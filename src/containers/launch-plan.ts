import type { Runtime } from "../sandbox/runtime.ts";
import type { Lower } from "../store/layers/lower.ts";
import type { Cgroup } from "./cgroup.ts";
import type { ContainerRecord } from "./record.ts";

/** Everything that the launcher inside the namespaces needs to start a container; plain data in a file. */
export interface LaunchPlan {
  readonly record: ContainerRecord;
  readonly directory: string;
  /** The store's root. */
  readonly root: string;
  /** The image's layers, lowest first. */
  readonly lowers: readonly Lower[];
  /** Where layers that are no directories are mounted: outside of the container's directory, which is removed from within. */
  readonly mounts: string;
  readonly dialect: "trusted" | "user";
  readonly rootless: boolean;
  readonly runtime: Runtime;
  /** Undefined where the container has none of its own. */
  readonly cgroup?: Cgroup;
  /** Where named volumes lie. */
  readonly volumes: string;
  /** conmon's path. */
  readonly monitor: string;
  /** How the launcher joins our streams to the container's; undefined for one in the background. */
  readonly attach?: AttachPlan;
  /** The link that is the container's name, removed with it. */
  readonly nameLink: string;
}

export interface AttachPlan {
  readonly stdin: boolean;
  readonly terminal: boolean;
  /** The bytes that, typed at the terminal, leave the container alone. */
  readonly detachKeys: readonly number[];
}

/** Why a start failed, from the launcher. */
export interface LaunchFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** The container was started all the same: only its streams were lost. */
  readonly started: boolean;
}

export const launchFiles = {
  plan: "launch.json",
  failure: "launch-error.json",
  conmonPid: "conmon.pid",
  containerPid: "container.pid",
  runtimeLog: "runtime.log",
  monitorLog: "conmon.log",
  /** Locked (flock) while someone wants to know how a container ends that is removed then. */
  watched: "watched",
} as const;
