import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRootless } from "../sandbox/namespace.ts";
import { cgroupFlags } from "../sandbox/runtime.ts";
import { freezerFile } from "./cgroup.ts";
import { ContainerError } from "./container-error.ts";
import { endHelpers } from "./end-network.ts";
import { isUp, pathIn, readRun, stateOf, type Container } from "./container.ts";
import { isAlive } from "../sys/process-identity.ts";
import { launchFiles } from "./launch-plan.ts";
import type { RunRecord } from "./record.ts";

/** The last start of a container that runs now. Throws ContainerError `not-running`. */
export function runningOf(container: Container): RunRecord {
  const state = stateOf(container);
  if (!isUp(state)) {
    throw new ContainerError("not-running", `container ${container.id} is not running`);
  }
  return state.run;
}

/** The argv prefix that runs a command where the container's monitor is, who sees its mounts and is root over its ids. */
export function insideCommand({ monitor }: RunRecord): string[] {
  return ["nsenter", "--target", `${monitor.pid}`, ...(isRootless() ? ["--user", "--preserve-credentials"] : []), "--mount", "--cgroup", "--"];
}

/** The runtime's command with the flags that name this container's state. */
export function runtimeCommand(container: Container, { runtime, cgroup }: RunRecord): string[] {
  return [runtime.path, "--root", pathIn(container, "state"), ...cgroupFlags(runtime, cgroup !== undefined)];
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
export async function untilEnded(container: Container, milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  for (const end = Date.now() + milliseconds; ; ) {
    if (!isUp(stateOf(container))) return true;
    if (Date.now() >= end) return false;
    await sleep(20, undefined, signal === undefined ? {} : { signal });
  }
}

/** Asks a container to end, and makes it end when it has not after `seconds`. */
export async function stopContainer(container: Container, { signal, seconds }: { readonly signal: string; readonly seconds: number }): Promise<void> {
  if (!isUp(stateOf(container))) return;
  signalContainer(container, signal);
  await thaw(container);
  if (await untilEnded(container, seconds * 1000)) await portsFreed(container);
  else await killContainer(container);
}

const KILLED_WITHIN = 10_000;

export async function killContainer(container: Container): Promise<void> {
  signalContainer(container, "KILL");
  await thaw(container);
  if (!(await untilEnded(container, KILLED_WITHIN))) {
    throw new ContainerError("does-not-stop", `container ${container.record.name} does not end, even when killed`);
  }
  await portsFreed(container);
}

/** A container's monitor or its network's program holds its published ports, and ends a little later; who stops it wants them at once, for the next. */
async function portsFreed({ directory }: Container): Promise<void> {
  const run = readRun(directory);
  if (run === undefined || run.ports.length === 0) return;
  for (const end = Date.now() + FREED_WITHIN; [run.monitor, ...run.helpers].some(isAlive) && Date.now() < end; ) {
    if (!isAlive(run.monitor)) endHelpers(run.helpers); // it ended them, unless it was killed
    await sleep(5);
  }
}

const FREED_WITHIN = 5000;

/** Where a running container's files are for commands run by {@link insideCommand}. */
export function mergedIn(container: Container): string {
  return join(container.directory, "merged");
}

/** The numbers, on this machine, of a running container's processes. */
export function processesOf({ cgroup, init }: RunRecord): Set<number> {
  const listed = (cgroup?.directories ?? []).map((directory) => textOf(join(directory, "cgroup.procs"))).find((text) => text !== "");
  if (listed !== undefined) return new Set(listed.trim().split("\n").map(Number));
  // Without a cgroup: those of its PID namespace where we may look, else its first process and what came of it.
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const namespace = linkOf(`/proc/${init.pid}/ns/pid`);
  if (namespace !== undefined) return new Set(all.filter((pid) => linkOf(`/proc/${pid}/ns/pid`) === namespace).map(Number));
  const parents = new Map(all.map((pid) => [Number(pid), Number(/^PPid:\s*(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1])]));
  const isInside = (pid: number | undefined): boolean => pid !== undefined && (pid === init.pid || isInside(parents.get(pid)));
  return new Set([...parents.keys()].filter(isInside));
}

/** Stops all of a container's processes where they are, or lets them go on (`docker pause`); resolves when all have stopped. Throws ContainerError. */
export async function setPaused(container: Container, paused: boolean): Promise<void> {
  const { cgroup } = runningOf(container);
  const { name } = container.record;
  const freezer = cgroup === undefined ? undefined : freezerFile(cgroup);
  if (freezer === undefined) throw new ContainerError("no-cgroups", `cannot ${paused ? "pause" : "unpause"} container ${name}: it has no cgroup of its own`, { hint: "that takes root, and a runtime that can use the machine's cgroups" });
  if ((stateOf(container).status === "paused") === paused) throw new ContainerError("bad-option", `container ${name} is ${paused ? "already" : "not"} paused`);
  writeFileSync(freezer.path, paused ? freezer.frozen : freezer.thawed);
  // The kernel stops each process when it next runs, or leaves a system call.
  for (const end = Date.now() + STOPPED_WITHIN; paused && !freezer.isDone() && Date.now() < end; ) await sleep(2);
}

const STOPPED_WITHIN = 5000;

/** A signal reaches a stopped process when it goes on. */
async function thaw(container: Container): Promise<void> {
  if (stateOf(container).status === "paused") await setPaused(container, false);
}

/**
 * Kills what a start left that was itself killed before anybody could know of it: a monitor whose container waits to
 * be started. The monitor is known by its command line, which names the container.
 */
export function endUnknown({ id, directory }: Container): void {
  const [monitor, init] = [launchFiles.conmonPid, launchFiles.containerPid].map((name) => numberIn(join(directory, name)));
  if (monitor === undefined || !textOf(`/proc/${monitor}/cmdline`).includes(id)) return;
  const isItsChild = init !== undefined && new RegExp(`^PPid:\\s*${monitor}$`, "m").test(textOf(`/proc/${init}/status`));
  for (const pid of isItsChild ? [init, monitor] : [monitor]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

function numberIn(file: string): number | undefined {
  const number = Number.parseInt(textOf(file), 10);
  return Number.isNaN(number) ? undefined : number;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
