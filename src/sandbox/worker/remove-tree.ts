import { execFile } from "node:child_process";
import { SandboxError } from "../sandbox-error.ts";

/** Removes trees whatever their owners, modes and names; Node's own `rm` stumbles over names that are not UTF-8. */
export function removeTrees(paths: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("rm", ["-rf", "--one-file-system", "--", ...paths], (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new SandboxError("step-failed", `cannot remove ${paths.map((path) => JSON.stringify(path)).join(", ")}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}
