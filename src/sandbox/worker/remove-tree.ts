import { execFile } from "node:child_process";
import { SandboxError } from "../sandbox-error.ts";

/** Removes a tree whatever its owners, modes and names; Node's own `rm` stumbles over names that are not UTF-8. */
export function removeTree(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("rm", ["-rf", "--one-file-system", "--", path], (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new SandboxError("step-failed", `cannot remove ${JSON.stringify(path)}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}
