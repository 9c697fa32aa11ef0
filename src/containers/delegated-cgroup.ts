import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Where the processes go that were in a cgroup which now gets children with controllers: such a one may hold none itself. */
const SUPERVISOR = "laminate";

/**
 * The cgroup of v2 in which an ordinary user's containers get theirs: the one this process is in, or the one above it
 * when {@link delegate} has moved it down. `0::/user.slice/…` of proc(5), /proc/PID/cgroup.
 */
export function ownCgroup(text = readFileSync("/proc/self/cgroup", "utf8")): string {
  const path = /^0::(.*)$/m.exec(text)?.[1] ?? "/";
  return basename(path) === SUPERVISOR ? dirname(path) : path;
}

/**
 * Lets the children of a cgroup have controllers, whose limits can then be set (cgroup-v2, No Internal Process
 * Constraint). Gives those of the wanted that it does not have itself. Throws the error of a write that is forbidden.
 */
export function delegate(directory: string, wanted: readonly string[]): string[] {
  const words = (name: string): string[] => readFileSync(join(directory, name), "utf8").split(/\s+/).filter((word) => word !== "");
  const offered = words("cgroup.controllers");
  const lacking = wanted.filter((name) => !offered.includes(name));
  const enabled = words("cgroup.subtree_control");
  const missing = wanted.filter((name) => offered.includes(name) && !enabled.includes(name));
  if (lacking.length > 0 || missing.length === 0) return lacking;
  const below = join(directory, SUPERVISOR);
  mkdirSync(below, { recursive: true });
  for (let pids = words("cgroup.procs"); pids.length > 0; pids = words("cgroup.procs")) {
    for (const pid of pids) move(pid, below);
  }
  writeFileSync(join(directory, "cgroup.subtree_control"), missing.map((name) => `+${name}`).join(" "));
  return [];
}

function move(pid: string, directory: string): void {
  try {
    writeFileSync(join(directory, "cgroup.procs"), pid);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error; // it ended meanwhile
  }
}
