import { SandboxRig } from "./rig.ts";
import { SCENARIOS } from "./scenarios.ts";

/**
 * Runs every scenario in a process of its own, as whoever started it, and writes one line of JSON for each:
 * `driver.ts DIRECTORY RUNTIME [directory|erofs]`; or one that says why layers cannot be mounted so here.
 */
const [directory, runtime, snapshots] = process.argv.slice(2);
const rig = new SandboxRig(directory!, runtime!, process.env, snapshots === "erofs" ? "erofs" : "directory");
const obstacle = snapshots === "erofs" && !(await rig.sandbox.mountsImages()) ? "layers cannot be mounted in place here" : undefined;
if (obstacle !== undefined) console.log(JSON.stringify({ obstacle }));
for (const { name, run } of obstacle === undefined ? SCENARIOS : []) {
  const error = await run(rig).then(() => undefined, (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)));
  console.log(JSON.stringify({ name, error }));
}
await rig[Symbol.asyncDispose]();
process.exit(0);
