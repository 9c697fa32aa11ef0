import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { SandboxError } from "./sandbox-error.ts";
import { findCommand } from "./search-path.ts";

/** Ids `start`…`start + count - 1` of this machine that an ordinary user may use (subuid(5), subgid(5)). */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/**
 * How ids inside the worker's user namespace stand for ids of this machine: 0 is the user who started us,
 * 1 and up the subordinate ids. `undefined` as root, where ids stand for themselves.
 */
export interface IdMapping {
  readonly uid: number;
  readonly gid: number;
  readonly uids: IdRange;
  readonly gids: IdRange;
}

/** Whether a user namespace has to be made: we are not root. */
export function isRootless(): boolean {
  return process.geteuid?.() !== 0;
}

/**
 * Overlayfs's own attributes: `trusted.overlay.*` needs CAP_SYS_ADMIN in the first user namespace (xattr(7));
 * elsewhere overlayfs is mounted with `userxattr`.
 */
export function overlayDialect(): "trusted" | "user" {
  return !isRootless() && inFirstUserNamespace() ? "trusted" : "user";
}

function inFirstUserNamespace(): boolean {
  // Only the first user namespace maps all 2^32 - 1 ids to themselves (user_namespaces(7)).
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

/** The current user's subordinate ids; throws {@link SandboxError} that says which file lacks a line. */
export function idMapping(): IdMapping | undefined {
  if (!isRootless()) {
    return undefined;
  }
  const uid = process.geteuid!();
  const name = userName(uid);
  return {
    uid,
    gid: process.getegid!(),
    uids: subordinateIds("/etc/subuid", name, uid),
    gids: subordinateIds("/etc/subgid", name, uid),
  };
}

export interface EnterOptions {
  /** Unless false, a cgroup namespace too: its root is where we are now, so that a runtime there finds no other cgroups. */
  readonly cgroup?: boolean;
  /**
   * Also a PID namespace, with its own /proc: the started command is its process 1, and when that ends for
   * whatever reason the kernel kills everything started below it.
   */
  readonly pid?: boolean;
}

/**
 * The argv prefix that runs a command with what containers need and we may not have: a mount namespace whose mounts
 * no one else sees, by default a cgroup namespace (so that cgroup2 may be mounted in it) and, unless we are root, a user
 * namespace in which we are root and the subordinate ids are ours. `[...enterCommand(env), 'mount', …]`.
 * Throws {@link SandboxError} naming what this machine lacks.
 */
export function enterCommand(env: NodeJS.ProcessEnv, options: EnterOptions = {}): string[] {
  const unshare = findCommand("unshare", env);
  if (unshare === undefined) {
    throw new SandboxError("no-unshare", 'cannot make namespaces: the command "unshare" was not found', { hint: "install util-linux: apt-get install util-linux" });
  }
  const namespaces = ["--mount", ...(options.cgroup === false ? [] : ["--cgroup"]), "--propagation", "private", ...(options.pid === true ? ["--pid", "--fork", "--kill-child", "--mount-proc"] : [])];
  const mapping = idMapping();
  if (mapping === undefined) {
    return [unshare, ...namespaces, "--"];
  }
  for (const command of ["newuidmap", "newgidmap"]) {
    if (findCommand(command, env) === undefined) {
      throw new SandboxError("no-newuidmap", `cannot make a user namespace: the command "${command}" was not found`, { hint: "install it: apt-get install uidmap" });
    }
  }
  return knowsMapUsers(unshare) ? mappedByUnshare(unshare, namespaces, mapping) : mappedByScript(unshare, namespaces, mapping);
}

/** What a failed start of the command of {@link enterCommand} means, from what `unshare` wrote to standard error. */
export function enterFailure(stderr: string): SandboxError {
  const lines = stderr.trim().split("\n").filter((line) => line.trim() !== "");
  const said = lines.find((line) => /^\w*Error\b/.test(line)) ?? (lines.slice(-3).join("; ") || "it wrote nothing");
  if (/new[ug]idmap/.test(said)) {
    return new SandboxError("no-subordinate-ids", `cannot use the subordinate ids: ${said}`, {
      hint: "the ranges in /etc/subuid and /etc/subgid must be yours, and newuidmap and newgidmap must be setuid root: apt-get install --reinstall uidmap",
    });
  }
  if (/unshare|Operation not permitted|mount \/proc|No space left/.test(said)) {
    return new SandboxError("namespaces-forbidden", `cannot make namespaces: ${said}`, { hint: forbiddenHint() });
  }
  return new SandboxError("worker-died", `cannot start the sandbox worker: ${said}`);
}

function forbiddenHint(): string {
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
    return "this machine forbids user namespaces; an administrator can allow them: sysctl -w kernel.unprivileged_userns_clone=1";
  }
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return "AppArmor forbids user namespaces here (Ubuntu 23.10 and later); an administrator can allow them: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  }
  if (setting("/proc/sys/user/max_user_namespaces") === "0") {
    return "this machine allows no user namespaces; an administrator can allow them: sysctl -w user.max_user_namespaces=15000";
  }
  return "inside another container, start that one with --privileged, or with --security-opt seccomp=unconfined --security-opt systempaths=unconfined";
}

function setting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid); // no line in /etc/passwd; subuid(5) allows numbers
  }
}

function subordinateIds(path: string, name: string, uid: number): IdRange {
  const ranges = readLines(path)
    .map((line) => line.split(":"))
    .filter((fields) => fields[0] === name || fields[0] === String(uid))
    .map((fields) => ({ start: Number(fields[1]), count: Number(fields[2]) }))
    .filter(({ start, count }) => Number.isSafeInteger(start) && Number.isSafeInteger(count) && count > 0)
    .sort((a, b) => b.count - a.count);
  if (ranges[0] === undefined) {
    throw new SandboxError("no-subordinate-ids", `cannot make a user namespace: ${path} has no line for the user "${name}"`, {
      hint: `an administrator can give some: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
    });
  }
  return ranges[0];
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

/** util-linux 2.38 and later call newuidmap themselves. */
function knowsMapUsers(unshare: string): boolean {
  return spawnSync(unshare, ["--help"], { encoding: "utf8", timeout: 5000 }).stdout.includes("--map-users");
}

function mappedByUnshare(unshare: string, namespaces: readonly string[], mapping: IdMapping): string[] {
  // OUTER,INNER,COUNT is 2.38's order; later versions read it too when the separator is a comma.
  return [
    unshare,
    "--user",
    "--map-root-user",
    `--map-users=${mapping.uids.start},1,${mapping.uids.count}`,
    `--map-groups=${mapping.gids.start},1,${mapping.gids.count}`,
    ...namespaces,
    "--",
  ];
}

/**
 * Older util-linux: a child of this shell, still outside, waits until the shell's process (`$$`, which becomes
 * unshare) has its user namespace, and maps the ids; the inner shell waits for the maps and only then executes the
 * command, which so becomes root with all capabilities (user_namespaces(7): an exec by mapped id 0 regains them).
 */
function mappedByScript(unshare: string, namespaces: readonly string[], mapping: IdMapping): string[] {
  const inner = 'n=0; until read -r line </proc/self/uid_map && read -r line </proc/self/gid_map; do n=$((n+1)); [ $n -lt 500 ] || exit 1; sleep 0.01; done 2>/dev/null; exec "$@"';
  const outer = `
    here=$(readlink /proc/self/ns/user)
    ( n=0
      while [ "$(readlink /proc/$$/ns/user)" = "$here" ]; do n=$((n+1)); [ $n -lt 500 ] || exit 1; sleep 0.01; done
      newuidmap $$ 0 ${mapping.uid} 1 1 ${mapping.uids.start} ${mapping.uids.count} &&
      newgidmap $$ 0 ${mapping.gid} 1 1 ${mapping.gids.start} ${mapping.gids.count} || kill -9 $$ ) >/dev/null &
    exec "$@"`;
  return ["/bin/sh", "-c", outer, "sh", unshare, "--user", ...namespaces, "--", "/bin/sh", "-c", inner, "sh"];
}
