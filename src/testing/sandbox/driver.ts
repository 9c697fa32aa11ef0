import { SandboxRig } from "./rig.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Runs every scenario in a process of its own, as whoever started it, and writes one line of JSON for each: `driver.ts DIRECTORY RUNTIME`. */
const [directory, runtime] = process.argv.slice(2);
const rig = new SandboxRig(directory!, runtime!, process.env);
for (const { name, run } of SCENARIOS) {
  const error = await run(rig).then(() => undefined, (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)));
  console.log(JSON.stringify({ name, error }));
}
await rig[Symbol.asyncDispose]();
process.exit(0);
