import { basename } from "node:path";
import { SandboxError } from "./sandbox-error.ts";
import { findCommand } from "./search-path.ts";

/** An OCI runtime's command. crun and its kin take other flags than runc and its kin. */
export interface Runtime {
  readonly path: string;
  readonly kind: "runc" | "crun";
}

const KNOWN = ["runc", "crun"] as const;

/**
 * The runtime to use: `wanted` (from `--runtime`), else LAMINATE_RUNTIME, a name or an absolute path;
 * else the preferred one, else the other. crun starts in a fraction of runc's time, and cannot make cgroups on machines
 * that have both kinds. Throws {@link SandboxError} `no-runtime` when it is not installed.
 */
export function findRuntime(env: NodeJS.ProcessEnv, wanted?: string, preferred: Runtime["kind"] = "runc"): Runtime {
  const asked = wanted ?? (env["LAMINATE_RUNTIME"] || undefined);
  if (asked !== undefined) {
    return namedRuntime(asked, env);
  }
  for (const name of [preferred, ...KNOWN]) {
    const path = findCommand(name, env);
    if (path !== undefined) {
      return { path, kind: name };
    }
  }
  throw new SandboxError("no-runtime", "cannot run a container: no OCI runtime was found, neither runc nor crun", { hint: "install one: apt-get install runc" });
}

function namedRuntime(asked: string, env: NodeJS.ProcessEnv): Runtime {
  const path = findCommand(asked, env);
  if (path === undefined) {
    throw new SandboxError("no-runtime", `cannot run a container: the OCI runtime ${JSON.stringify(asked)} was not found`, { hint: "name one that is installed, as runc or crun, or give its absolute path" });
  }
  return { path, kind: basename(path).startsWith("crun") ? "crun" : "runc" };
}

/**
 * The flags before the subcommand for running without cgroups: /sys/fs/cgroup must then be a read-only cgroup2 in
 * our mount namespace (see `hideCgroups` in cgroups.ts). runc in its rootless mode ignores that it cannot write there, also as root.
 */
export function flagsWithoutCgroups(runtime: Runtime): string[] {
  return runtime.kind === "crun" ? ["--cgroup-manager=disabled"] : ["--rootless=true"];
}

/** The flags before the subcommand for a container that has a cgroup of its own, made in the machine's hierarchies, or has none. */
export function cgroupFlags(runtime: Runtime, own: boolean): string[] {
  if (!own) return flagsWithoutCgroups(runtime);
  return runtime.kind === "crun" ? ["--cgroup-manager=cgroupfs"] : [];
}

/** The flags that make the runtime write its own messages to a file, one JSON object a line. */
export function logFlags(runtime: Runtime, path: string): string[] {
  return runtime.kind === "crun" ? [`--log=file:${path}`, "--log-format=json"] : ["--log", path, "--log-format", "json"];
}
