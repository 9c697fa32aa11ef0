import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createSandbox } from "../../sandbox/sandbox.ts";
import { StepNetworks } from "../../sandbox/worker/step-networks.ts";
import { traces } from "./machine-network.ts";

/** `step-network-probe.ts DIRECTORY`, on a machine of `spawnOnMachine`: tells what steps get where neither slirp4netns nor pasta is installed, and what is left. */
const root = process.argv[2]!;
for (const tool of ["/usr/bin/slirp4netns", "/usr/bin/pasta"]) {
  if (existsSync(tool)) spawnSync("mount", ["--bind", "/dev/null", tool]);
}

const networks = new StepNetworks({ env: process.env, root, rootless: false });
const step = { network: "default", env: [] } as const;
const [one, two] = [await networks.open(step), await networks.open(step)];
await one[Symbol.asyncDispose]();
const three = await networks.open(step);
const pool = { by: one.said.by, apart: one.spec !== two.spec, again: JSON.stringify(three.spec) === JSON.stringify(one.spec), devices: traces().devices };
await networks[Symbol.asyncDispose]();
const afterPool = traces();

const entry = fileURLToPath(new URL("../../sandbox/worker/main.ts", import.meta.url));
const sandbox = createSandbox({ env: process.env, root, entry });
const facts = await sandbox.probe();
const during = traces().devices;
await sandbox[Symbol.asyncDispose]();
console.log(JSON.stringify({ pool, afterPool, facts, during, after: traces() }));
process.exit(0);
