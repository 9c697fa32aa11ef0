import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Peers } from "../src/testing/peers.ts";
import { LAMINATE } from "./builders.ts";

/** A builder's machine that has nothing, until it is disposed of. */
export interface Machine extends AsyncDisposable {
  build(context: string, ...flags: readonly string[]): Promise<void>;
}

/** Makes such machines below a directory. */
export interface Maker {
  readonly name: string;
  /** As the builder sees it. */
  readonly inside: (directory: string) => string;
  /** One that has nothing. */
  machine(): Promise<Machine>;
}

export function laminateMachines(directory: string): Maker {
  let count = 0;
  return {
    name: "laminate",
    inside: (place) => place,
    async machine() {
      const root = path.join(directory, `store-${(count += 1)}`);
      mkdirSync(root);
      return {
        build: (context, ...flags) => run([LAMINATE, "--root", root, "build", "-q", "--network=host", ...flags, context]),
        [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true, force: true }),
      };
    },
  };
}

/** With the containerd store, which alone can write caches: a daemon of its own, begun anew on an empty directory for each machine. */
export function dockerMachines(directory: string, { root, prefix, inside }: Peers): Maker {
  const place = path.join(directory, "docker");
  return {
    name: "docker (containerd store)",
    inside,
    async machine() {
      mkdirSync(path.join(place, "data"), { recursive: true });
      writeFileSync(path.join(place, "daemon.json"), JSON.stringify({ features: { "containerd-snapshotter": true } }));
      const [at, socket] = [inside(place), `unix://${inside(place)}/socket`];
      const daemon = spawn(prefix[0]!, [...prefix.slice(1), "dockerd", "--config-file", `${at}/daemon.json`, "--host", socket, "--pidfile", `${at}/pid`, "--data-root", `${at}/data`, "--exec-root", `${at}/exec`, "--iptables=false", "--ip6tables=false", "--bridge=none"], { stdio: "ignore" });
      const ended = new Promise((resolve) => daemon.once("exit", resolve));
      const client = [...prefix, "env", `DOCKER_HOST=${socket}`, "docker"];
      for (let turn = 0; spawnSync(client[0]!, [...client.slice(1), "version"]).status !== 0; turn += 1) {
        if (turn > 100) throw new Error("start dockerd with the containerd store: it does not answer");
        await sleep(100);
      }
      return {
        build: (context, ...flags) => run([...client, "buildx", "build", "-q", "--provenance=false", "--network=host", ...flags, context]),
        async [Symbol.asyncDispose]() {
          daemon.kill("SIGTERM");
          await ended;
          spawnSync("sh", ["-c", `for one in $(findmnt -rno TARGET | grep -F "${path.join(root, at)}" | sort -r); do umount -l "$one"; done`]);
          rmSync(place, { recursive: true, force: true });
        },
      };
    },
  };
}

/** Runs a command to its end. Throws what it said when it fails. */
export async function run([command, ...args]: readonly string[]): Promise<void> {
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`run ${command} ${args.join(" ")}: it ended with ${String(code)}: ${Buffer.concat(said).toString()}`);
}
