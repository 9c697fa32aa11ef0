import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import type { Ran } from "../images.ts";
import { DOCKER, type Peers } from "../peers.ts";
import type { Engine } from "./engine.ts";

/** The real docker. What it made of the cases goes when the engine does. */
export function dockerEngine(peers: Peers): Engine & AsyncDisposable {
  const work = mkdtempSync(path.join(peers.work, "laminate-conformance-"));
  const made = new Set<string>();
  const docker = (directory: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run([...peers.prefix, "env", "-C", peers.inside(directory), ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...DOCKER, ...args]);
  return {
    work,
    atOnce: 2,
    build(directory, args, env) {
      for (const [index, arg] of args.entries()) if (arg === "-t") made.add(args[index + 1]!);
      return docker(directory, ["build", ...args], env);
    },
    async save(tags, file) {
      const { code, err } = await docker(work, ["save", "-o", peers.inside(file), ...tags]);
      if (code !== 0) throw new Error(`docker save: ${err}`);
    },
    async [Symbol.asyncDispose]() {
      await docker(work, ["rmi", "-f", ...made]);
      rmSync(work, { recursive: true, force: true });
    },
  };
}

async function run([command, ...args]: readonly string[]): Promise<Ran> {
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const code = await new Promise<number>((resolve, reject) => child.once("error", reject).once("close", (status) => resolve(status ?? 255)));
  return { code, out, err };
}
