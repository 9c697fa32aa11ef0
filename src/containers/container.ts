import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isFrozen, ranOutOfMemory } from "./cgroup.ts";
import { launchFiles, type LaunchFailure } from "./launch-plan.ts";
import type { ContainerRecord, RunRecord } from "./record.ts";
import { bootId, isAlive } from "../sys/process-identity.ts";

/**
 * `created` also when it could not be started (`failure`). `running` and `paused` also while only its monitor is lost (`unmonitored`); `dead`: it ended and nothing recorded how,
 * as its monitor was killed or the machine was restarted.
 */
export type ContainerState =
  | { readonly status: "created"; readonly failure?: LaunchFailure }
  | { readonly status: "running" | "paused"; readonly run: RunRecord; readonly unmonitored: boolean }
  | { readonly status: "exited"; readonly exitCode: number; readonly startedAt?: number; readonly finishedAt: number; readonly oomKilled: boolean }
  | { readonly status: "dead"; readonly startedAt: number; readonly why: "monitor-lost" | "machine-restarted" };

/** A container as it lies on disk: a view; {@link stateOf} looks at the processes. */
export interface Container {
  readonly id: string;
  readonly directory: string;
  readonly record: ContainerRecord;
}

/** The files of a container's directory. */
export const containerFiles = {
  config: "config.json",
  run: "run.json",
  /** Holds the file that conmon or the worker writes at the end: named after the container, the exit code its text. */
  exit: "exit",
  log: "log",
  bundle: "bundle",
  /** The runtime's own state (its `--root`). */
  state: "state",
  /** There when the kernel killed something of it for want of memory. */
  oom: "oom",
  upper: "upper",
  merged: "merged",
} as const;

/** Where a file of a container lies. */
export function pathIn(container: Pick<Container, "directory">, file: keyof typeof containerFiles): string {
  return join(container.directory, containerFiles[file]);
}

/** Looks at what is recorded and which processes live. */
export function stateOf(container: Container): ContainerState {
  const failure = readJson<LaunchFailure>(join(container.directory, launchFiles.failure));
  if (failure?.started === false) return { status: "created", failure };
  const run = readRun(container.directory);
  const ended = readExit(container);
  if (ended !== undefined) {
    return { status: "exited", ...ended, oomKilled: wasOutOfMemory(container, run), ...(run === undefined ? {} : { startedAt: run.startedAt }) };
  }
  if (run === undefined) return { status: "created" };
  if (run.boot !== bootId()) return { status: "dead", startedAt: run.startedAt, why: "machine-restarted" };
  const monitored = isAlive(run.monitor);
  if (monitored || isAlive(run.init)) return { status: run.cgroup !== undefined && isFrozen(run.cgroup) ? "paused" : "running", run, unmonitored: !monitored };
  // The end may have been recorded between the two looks.
  const late = readExit(container);
  return late === undefined ? { status: "dead", startedAt: run.startedAt, why: "monitor-lost" } : { status: "exited", ...late, oomKilled: wasOutOfMemory(container, run), startedAt: run.startedAt };
}

/** Whether a container in this state has processes. */
export function isUp(state: ContainerState): state is Extract<ContainerState, { readonly run: RunRecord }> {
  return state.status === "running" || state.status === "paused";
}

/** Kept when it ended; until then the kernel knows, which is asked first: it is kept before the cgroup goes. */
function wasOutOfMemory(container: Container, run: RunRecord | undefined): boolean {
  return (run?.cgroup !== undefined && ranOutOfMemory(run.cgroup)) || existsSync(pathIn(container, "oom"));
}

/** How a container ended, if that was recorded. */
export function readExit(container: Pick<Container, "id" | "directory">): { readonly exitCode: number; readonly finishedAt: number } | undefined {
  const path = join(pathIn(container, "exit"), container.id);
  try {
    const exitCode = Number.parseInt(readFileSync(path, "utf8"), 10);
    return Number.isNaN(exitCode) ? undefined : { exitCode, finishedAt: statSync(path).mtimeMs };
  } catch {
    return undefined;
  }
}

/** The last start of a container; undefined before the first. */
export function readRun(directory: string): RunRecord | undefined {
  return readJson<RunRecord>(join(directory, containerFiles.run));
}

/** A container's record; undefined when the directory is half made or half removed. */
export function readContainer(directory: string): Container | undefined {
  const record = readJson<ContainerRecord>(join(directory, containerFiles.config));
  return record === undefined ? undefined : { id: record.id, directory, record };
}

/** The names in a directory; none when it is missing. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}
