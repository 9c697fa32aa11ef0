import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** An ordinary user's PATH often lacks these, and Debian installs runc and ip there. */
const SYSTEM_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

/** The absolute path of a command, looked for in PATH and then in the system's own directories; undefined when absent. */
export function findCommand(name: string, env: NodeJS.ProcessEnv): string | undefined {
  if (name.includes("/")) {
    return isAbsolute(name) && isExecutable(name) ? name : undefined;
  }
  const directories = [...(env["PATH"] ?? "").split(":").filter(isAbsolute), ...SYSTEM_DIRECTORIES];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
