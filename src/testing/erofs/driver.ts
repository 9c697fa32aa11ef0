import { findErofsObstacle } from "../../sandbox/erofs.ts";
import { ErofsRig } from "./rig.ts";
import { SCENARIOS } from "./scenarios.ts";

/** `driver.ts DIRECTORY`, in a mount namespace of its own: runs every scenario and writes one line of JSON for each, or why there can be none. */
const directory = process.argv[2]!;
const obstacle = findErofsObstacle(directory);
if (obstacle !== undefined) {
  console.log(JSON.stringify({ obstacle }));
} else {
  for (const { name, run } of SCENARIOS) {
    const rig = new ErofsRig(directory);
    const error = await run(rig).then(() => undefined, reportOf);
    rig.unmountAll();
    console.log(JSON.stringify({ name, error }));
  }
}

/** A counterexample can be long; what was wrong with it is the cause. */
function reportOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return `${thrown.cause instanceof Error ? thrown.cause.stack : ""}\n${thrown.stack}`.slice(0, 6000);
}
