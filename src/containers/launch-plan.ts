import type { Runtime } from "../sandbox/runtime.ts";
import type { ContainerRecord } from "./record.ts";

/** Everything that the launcher inside the namespaces needs to start a container; plain data in a file. */
export interface LaunchPlan {
  readonly record: ContainerRecord;
  readonly directory: string;
  /** The image's layer directories, lowest first. */
  readonly lowers: readonly string[];
  readonly dialect: "trusted" | "user";
  readonly rootless: boolean;
  readonly runtime: Runtime;
  /** Where named volumes lie. */
  readonly volumes: string;
  /** conmon's path for a container in the background; undefined for one in the foreground. */
  readonly monitor: string | undefined;
  /** The link that is the container's name, removed with it. */
  readonly nameLink: string;
}

/** Why a start failed, from the launcher. */
export interface LaunchFailure {
  readonly code: string;
  readonly message: string;
}

export const launchFiles = { plan: "launch.json", failure: "launch-error.json", conmonPid: "conmon.pid", containerPid: "container.pid", runtimeLog: "runtime.log", monitorLog: "conmon.log" } as const;
