import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRootless } from "../sandbox/namespace.ts";
import { flagsWithoutCgroups } from "../sandbox/runtime.ts";
import { ContainerError } from "./container-error.ts";
import { pathIn, stateOf, type Container } from "./container.ts";
import { isAlive } from "./process-identity.ts";
import type { RunRecord } from "./record.ts";

/** The last start of a container that runs now. Throws ContainerError `not-running`. */
export function runningOf(container: Container): RunRecord {
  const state = stateOf(container);
  if (state.status !== "running") {
    throw new ContainerError("not-running", `container ${container.id} is not running`);
  }
  return state.run;
}

/** The argv prefix that runs a command where the container's monitor is, who sees its mounts and is root over its ids. */
export function insideCommand({ monitor }: RunRecord): string[] {
  return ["nsenter", "--target", `${monitor.pid}`, ...(isRootless() ? ["--user", "--preserve-credentials"] : []), "--mount", "--cgroup", "--"];
}

/** The runtime's command with the flags that name this container's state. */
export function runtimeCommand(container: Container, { runtime }: RunRecord): string[] {
  return [runtime.path, "--root", pathIn(container, "state"), ...flagsWithoutCgroups(runtime)];
}

/** Sends a signal to a container's first process. */
export function signalContainer(container: Container, signal: string): void {
  const { init, monitor } = runningOf(container);
  const name = /^\d+$/.test(signal) ? signal : signal.toUpperCase().replace(/^SIG/, "");
  // An ordinary user owns the user namespace that the process is in: there we may signal any of its ids.
  const enter = isRootless() ? ["nsenter", "--target", `${isAlive(monitor) ? monitor.pid : init.pid}`, "--user", "--preserve-credentials", "--"] : [];
  const [command, ...args] = [...enter, "/bin/sh", "-c", 'kill -s "$0" "$1"', name, `${init.pid}`];
  const sent = spawnSync(command!, args, { encoding: "utf8" });
  if (sent.status !== 0 && isAlive(init)) {
    throw new ContainerError("bad-option", `cannot send ${signal} to container ${container.record.name}: ${sent.stderr.trim()}`);
  }
}

/** Waits until a container no longer runs; false when `milliseconds` were not enough. */
export async function untilEnded(container: Container, milliseconds: number): Promise<boolean> {
  for (const end = Date.now() + milliseconds; ; ) {
    if (stateOf(container).status !== "running") return true;
    if (Date.now() >= end) return false;
    await sleep(20);
  }
}

/** Asks a container to end, and makes it end when it has not after `seconds`. */
export async function stopContainer(container: Container, seconds: number): Promise<void> {
  if (stateOf(container).status !== "running") return;
  signalContainer(container, container.record.stopSignal);
  if (await untilEnded(container, seconds * 1000)) return;
  await killContainer(container);
}

const KILLED_WITHIN = 10_000;

export async function killContainer(container: Container): Promise<void> {
  signalContainer(container, "KILL");
  if (!(await untilEnded(container, KILLED_WITHIN))) {
    throw new ContainerError("does-not-stop", `container ${container.record.name} does not end, even when killed`);
  }
}

/** Where a running container's files are for commands run by {@link insideCommand}. */
export function mergedIn(container: Container): string {
  return join(container.directory, "merged");
}
