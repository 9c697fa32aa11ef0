import { spawn } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import path from "node:path";
import { BuildRig } from "../builds.ts";
import type { CacheEngine } from "./engine.ts";
import { ended } from "./run-row.ts";

const ENTRY = path.join(import.meta.dirname, "../../cli/entry.ts");

/** Laminate of this checkout, each row in a store of its own. */
export async function laminateEngine(): Promise<CacheEngine> {
  const first = new BuildRig();
  await first.busybox();
  return {
    atOnce: 4,
    async place() {
      const rig = new BuildRig();
      cpSync(first.root, rig.root, { recursive: true, preserveTimestamps: true });
      const directory = path.join(rig.directory, "row");
      mkdirSync(directory);
      return {
        directory,
        run(args, env, umask) {
          if (umask === undefined) return rig.run(args, undefined, { cwd: directory, env });
          // A umask is the whole process's.
          return ended(spawn("sh", ["-c", 'umask "$0" && exec "$@"', umask, process.execPath, ENTRY, ...args], { cwd: directory, env: { ...rig.env, ...env }, stdio: ["ignore", "pipe", "pipe"] }));
        },
        [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => first[Symbol.asyncDispose](),
  };
}
