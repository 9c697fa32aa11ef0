import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { writeBusybox } from "../builds.ts";
import type { Ran } from "../images.ts";
import type { Peers } from "../peers.ts";
import type { CacheEngine } from "./engine.ts";
import { ended } from "./run-row.ts";

/** The real docker, in a daemon of its own whose cache is emptied after each row. */
export async function dockerEngine(peers: Peers): Promise<CacheEngine> {
  const work = mkdtempSync(path.join(peers.work, "laminate-cache-table-"));
  const inside = peers.inside(work);
  const socket = `unix://${inside}/docker.sock`;
  const daemon = spawn(peers.prefix[0]!, [...peers.prefix.slice(1), "dockerd", "--host", socket, "--pidfile", `${inside}/pid`, "--data-root", `${inside}/data`, "--exec-root", `${inside}/exec`, "--iptables=false", "--ip6tables=false", "--bridge=none"], { stdio: "ignore" });
  const docker = (directory: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, umask = "022"): Promise<Ran> => {
    const variables = Object.entries({ DOCKER_HOST: socket, ...env }).map(([name, value]) => `${name}=${value}`);
    return ended(spawn("sh", ["-c", 'umask "$0" && exec "$@"', umask, ...peers.prefix, "env", "-C", peers.inside(directory), ...variables, "docker", ...args], { stdio: ["ignore", "pipe", "pipe"] }));
  };
  const ok = async (args: readonly string[]): Promise<void> => {
    const { code, err } = await docker(work, args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${err}`);
  };
  const end = async (): Promise<void> => {
    const gone = once(daemon, "close");
    if (daemon.exitCode === null && daemon.kill()) await gone;
    spawnSync("umount", [path.join(work, "data")]); // which the daemon mounts on itself
    rmSync(work, { recursive: true, force: true });
  };
  try {
    for (let tries = 0; (await docker(work, ["info"])).code !== 0; tries += 1) {
      if (tries === 60 || daemon.exitCode !== null) throw new Error("the daemon does not answer");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    writeBusybox(path.join(work, "busybox.tar"));
    await ok(["import", "-c", "ENV PATH=/bin", `${inside}/busybox.tar`, "busybox"]);
  } catch (error) {
    await end();
    throw error;
  }
  let rows = 0;
  return {
    atOnce: 1,
    async place() {
      const directory = path.join(work, `row-${(rows += 1)}`);
      mkdirSync(directory);
      return {
        directory,
        run: (args, env, umask) => docker(directory, args, env, umask),
        async [Symbol.asyncDispose]() {
          await ok(["builder", "prune", "-af"]);
          rmSync(directory, { recursive: true, force: true });
        },
      };
    },
    [Symbol.asyncDispose]: end,
  };
}
