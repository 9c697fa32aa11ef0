import { accessSync, constants, existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../base/failure.ts";
import { isRootless } from "../sandbox/namespace.ts";
import type { Runtime } from "../sandbox/runtime.ts";
import { delegate, ownCgroup } from "./delegated-cgroup.ts";
import { controllersOf, type Limits } from "./limits.ts";

/** A container's own cgroup, which the runtime makes and the end of the container removes. */
export interface Cgroup {
  /** The `cgroupsPath` of the runtime spec. */
  readonly path: string;
  /** Its directory in each hierarchy: one with cgroup v2, one a controller with v1. */
  readonly directories: readonly string[];
}

const TOP = "/sys/fs/cgroup";
const TRIES = 100;
const TRY_AGAIN_MS = 20;

/** Why a container can have no cgroup of its own, and what to do about it. */
export interface NoCgroup {
  readonly missing: string;
  readonly hint?: string;
}

/**
 * A container's cgroup on this machine, or why it can have none. For an ordinary user the controllers of the limits
 * are made ready in the cgroup that we are in.
 */
export function cgroupOf({ id, limits }: { readonly id: string; readonly limits: Limits }, runtime: Runtime): Cgroup | NoCgroup {
  if (isRootless()) return delegatedCgroup(id, controllersOf(limits));
  const hierarchies = cgroupMounts();
  if (hierarchies.length === 0) return { missing: `no cgroups are mounted below ${TOP}` };
  if (!hierarchies.every((directory) => isWritable(directory))) return { missing: `${TOP} cannot be written, as inside another container` };
  if (runtime.kind === "crun" && !hierarchies.includes(TOP)) {
    return { missing: "this machine has cgroup v1, which crun cannot use beside v2: choose another with --runtime runc" };
  }
  return { path: `/${nameOf(id)}`, directories: directoriesOf(id) };
}

/** Of an ordinary user: below our own cgroup, where systemd or an administrator has given us that. */
function delegatedCgroup(id: string, controllers: readonly string[]): Cgroup | NoCgroup {
  const hierarchies = cgroupMounts();
  if (hierarchies.length !== 1 || hierarchies[0] !== TOP) return { missing: "for an ordinary user that takes cgroup v2, and this machine has v1 beside it" };
  const own = ownCgroup();
  const directory = join(TOP, own);
  if (![directory, join(directory, "cgroup.procs"), join(directory, "cgroup.subtree_control")].every(isWritable)) {
    return { missing: `the cgroup we are in, ${own}, is not ours to divide`, hint: "start it in one that is: systemd-run --user --scope -p Delegate=yes laminate …" };
  }
  try {
    const lacking = delegate(directory, controllers);
    if (lacking.length > 0) return { missing: `the cgroup we are in, ${own}, has no controller ${lacking.join(", ")}`, hint: "an administrator can delegate it: systemctl edit user@.service, [Service] Delegate=cpu cpuset memory pids" };
  } catch (error) {
    return { missing: `the cgroup we are in, ${own}, cannot be divided: ${reasonOf(error)}` };
  }
  return { path: join(own, nameOf(id)), directories: [join(directory, nameOf(id))] };
}

/** Where root's container has its cgroup, if it has one. */
export function directoriesOf(id: string): string[] {
  return cgroupMounts().map((directory) => join(directory, nameOf(id)));
}

/** At the top and in no common parent, which would have to be removed while another container is made in it. */
function nameOf(id: string): string {
  return `laminate-${id}`;
}

/** Whether the kernel keeps account of swap; where it does not a limit of it cannot be set (docker leaves it out too). */
export function swapIsCounted(): boolean {
  return !existsSync(`${TOP}/memory`) || existsSync(`${TOP}/memory/memory.memsw.limit_in_bytes`);
}

/** Whether the kernel killed something of it because its memory limit was reached (cgroup v1: memory.oom_control, v2: memory.events). */
export function ranOutOfMemory({ directories }: Cgroup): boolean {
  return directories.flatMap((directory) => ["memory.oom_control", "memory.events"].map((name) => textOf(join(directory, name)))).some((text) => /^oom_kill [1-9]/m.test(text));
}

/** Removes what is left of a cgroup whose processes have ended; those still on their way out are waited for. Gives whether nothing is left. */
export async function removeCgroup(directories: readonly string[]): Promise<boolean> {
  for (let tries = 0; !tryRemove(directories); tries += 1) {
    if (tries >= TRIES) return false;
    await sleep(TRY_AGAIN_MS);
  }
  return true;
}

/** As {@link removeCgroup}, at once or not at all. */
export function tryRemove(directories: readonly string[]): boolean {
  for (const directory of directories) {
    try {
      rmdirSync(directory);
    } catch {
      // Not there, or not empty yet.
    }
  }
  return !directories.some((directory) => existsSync(directory));
}

/** Stops all processes of a cgroup (cgroup v1: freezer-subsystem, v2: cgroup.freeze). */
export interface Freezer {
  /** The file that does it, and what to write. */
  readonly path: string;
  readonly frozen: string;
  readonly thawed: string;
  /** Whether all have stopped. */
  isDone(): boolean;
}

export function freezerFile({ directories }: Cgroup): Freezer | undefined {
  const choices = directories.flatMap((directory) => {
    const [v1, v2, events] = ["freezer.state", "cgroup.freeze", "cgroup.events"].map((name) => join(directory, name)) as [string, string, string];
    return [
      { path: v1, frozen: "FROZEN", thawed: "THAWED", isDone: () => textOf(v1).trim() === "FROZEN" },
      { path: v2, frozen: "1", thawed: "0", isDone: () => /^frozen 1$/m.test(textOf(events)) },
    ];
  });
  return choices.find(({ path }) => existsSync(path));
}

/** Whether a container's processes are stopped by {@link freezerFile}. */
export function isFrozen(cgroup: Cgroup): boolean {
  const freezer = freezerFile(cgroup);
  return freezer !== undefined && ["FROZEN", "FREEZING", "1"].includes(textOf(freezer.path).trim());
}

/** Removes what killed builds left of the cgroups of their steps; `build-PID-…` tells whose they were. */
export function sweepStepCgroups(): void {
  for (const top of cgroupMounts()) {
    for (const name of readdirSync(top)) {
      const pid = /^laminate-build-(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) tryRemove([join(top, name)]);
    }
  }
}

/** Where hierarchies are mounted, as the kernel lists them. */
function cgroupMounts(): string[] {
  return textOf("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, directory = "", type = ""]) => /^cgroup2?$/.test(type) && (directory === TOP || directory.startsWith(`${TOP}/`)))
    .map(([, directory]) => directory!);
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
