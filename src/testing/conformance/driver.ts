import { BuildRig } from "../builds.ts";
import { ask } from "./ask.ts";
import { casesOf, type Choice } from "./corpus.ts";
import { laminateEngine } from "./laminate-engine.ts";

/** `driver.ts CHOICE`: builds the cases that this JSON chooses as whoever started it, and writes a line of JSON for each. */
const choice = JSON.parse(process.argv[2]!) as Choice;
const rig = new BuildRig();
const answers = await ask(laminateEngine(rig), casesOf(choice));
await rig[Symbol.asyncDispose]();
process.stdout.write([...answers].map(([id, answer]) => `${JSON.stringify([id, [...answer]])}\n`).join(""), () => process.exit(0));
