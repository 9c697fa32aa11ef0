import { execFile } from "node:child_process";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SandboxError } from "../sandbox-error.ts";

/** A process takes longer to start than so few files take to go; more of them would keep this one from its other steps. */
const FEW = 100;

/** Removes trees whatever their owners, modes and names, but for what is mounted in them; what is not there is removed already. Throws SandboxError `step-failed`. */
export async function removeTrees(paths: readonly string[]): Promise<void> {
  if (!areSmall(paths) || !removeHere(paths)) await removeByProcess(paths);
}

/** Whether the trees together hold few files, of one file system each. */
function areSmall(paths: readonly string[]): boolean {
  let count = 0;
  // Names need not be UTF-8: as Latin-1 each byte is kept.
  const isSmall = (path: string, device: number | undefined): boolean => {
    const bytes = Buffer.from(path, "latin1");
    const found = lstatSync(bytes, { throwIfNoEntry: false });
    if (found === undefined) return true;
    if (device !== undefined && found.dev !== device) return false;
    count += 1;
    return count <= FEW && (!found.isDirectory() || readdirSync(bytes, { encoding: "latin1" }).every((name) => isSmall(join(path, name), found.dev)));
  };
  try {
    return paths.every((path) => isSmall(Buffer.from(path).toString("latin1"), undefined));
  } catch {
    return false;
  }
}

function removeHere(paths: readonly string[]): boolean {
  try {
    for (const path of paths) rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

function removeByProcess(paths: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("rm", ["-rf", "--one-file-system", "--", ...paths], (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new SandboxError("step-failed", `cannot remove ${paths.map((path) => JSON.stringify(path)).join(", ")}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}
