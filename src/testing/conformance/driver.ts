import { BuildRig } from "../builds.ts";
import { ask } from "./ask.ts";
import { casesOf } from "./corpus.ts";
import { laminateEngine } from "./laminate-engine.ts";

/** `driver.ts [TEXT [SEED]]`: builds the cases that these choose as whoever started it, and writes a line of JSON for each. */
const [text = "", seed] = process.argv.slice(2);
const rig = new BuildRig();
const answers = await ask(laminateEngine(rig), casesOf({ text, ...(seed === undefined ? {} : { seed: Number(seed) }) }));
await rig[Symbol.asyncDispose]();
process.stdout.write([...answers].map(([id, answer]) => `${JSON.stringify([id, [...answer]])}\n`).join(""), () => process.exit(0));
