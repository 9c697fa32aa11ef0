import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../base/failure.ts";
import { unmount } from "../../sys/mounts.ts";
import { SandboxError } from "../sandbox-error.ts";
import { findCommand } from "../search-path.ts";

/**
 * A new network namespace held by the file `directory/network`, in which nothing is up yet. The file is a mount, so
 * this needs a mount namespace of our own, with which the network namespace goes at the latest.
 */
export function makeNamespaceFile(directory: string, env: NodeJS.ProcessEnv): string {
  const path = join(directory, "network");
  writeFileSync(path, "");
  const made = spawnSync(findCommand("unshare", env) ?? "unshare", [`--net=${path}`, "true"], { encoding: "utf8", timeout: 3000 });
  if (made.status !== 0) {
    rmSync(path, { force: true });
    throw new SandboxError("network-failed", `cannot make a network namespace: ${made.stderr || reasonOf(made.error)}`);
  }
  return path;
}

export function removeNamespaceFile(path: string): void {
  releaseNamespaceFile(path);
  rmSync(path, { force: true });
}

/** Leaves the namespace to the processes that are in it, and an empty file: pasta ends when that is removed. */
export function releaseNamespaceFile(path: string): void {
  try {
    unmount(path, { lazy: true });
  } catch {
    // It was already; at the latest it goes with the mount namespace.
  }
}
