import { SandboxError } from "../../sandbox/sandbox-error.ts";
import { SandboxRig } from "./rig.ts";

/** `probe.ts DIRECTORY [SCRIPT]`: writes what the sandbox finds on this machine, or why there can be none; or runs a script until it is killed. */
const [directory, script] = process.argv.slice(2);
const rig = new SandboxRig(directory!, "runc", process.env);
try {
  if (script === undefined) {
    const facts = await rig.sandbox.probe();
    const ran = facts.mapping === null ? undefined : await rig.run("while read -r inner outer count; do echo $inner $outer $count; done </proc/self/uid_map");
    console.log(JSON.stringify({ ...facts, ids: ran?.stdout.trim().replace("\n", ",") }));
  } else {
    await rig.run(`echo running; ${script}`, { onOutput: (text) => process.stdout.write(text) });
  }
} catch (error) {
  console.log(error instanceof SandboxError ? `${error.code}: ${error.message}; ${error.hint}` : error);
}
await rig[Symbol.asyncDispose]();
process.exit(0);
