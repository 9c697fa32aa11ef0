import path from "node:path";
import { parseArgs } from "node:util";
import { byWorth, leastRecentlyUsed, replay } from "../src/testing/collection/replay.ts";
import { allBytes, readTrace, type Trace } from "../src/testing/collection/trace.ts";
import { recordHistory } from "./history-trace.ts";
import { writeBetweenMarks } from "./pages.ts";
import { recordProjects } from "./projects-trace.ts";
import { Recorder, writeTrace } from "./record-trace.ts";

/*
 * How much work a bounded cache saves. `--record history` or `projects` builds for real (as root) and writes down which
 * steps each build asked for, what they took and how large they were. Without it the traces are replayed under limits,
 * with two ways to choose what goes; `--write` renews docs/cache.md.
 */

const TRACES = path.join(import.meta.dirname, "../src/testing/collection/traces");
const RECORDINGS = { history: (recorder: Recorder) => recordHistory(recorder, 44), projects: (recorder: Recorder) => recordProjects(recorder, 4) };
type Name = keyof typeof RECORDINGS;
const NAMES = Object.keys(RECORDINGS) as Name[];
/** Parts of what a cache without a limit would hold. */
const LIMITS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5];

const { values } = parseArgs({ options: { record: { type: "string" }, write: { type: "boolean", default: false } } });
if (values.record === undefined) report();
else await record(values.record as Name);

async function record(name: Name): Promise<void> {
  if (!NAMES.includes(name)) throw new Error(`record ${JSON.stringify(name)}: there are ${NAMES.join(" and ")}`);
  await using recorder = await Recorder.open();
  writeTrace(path.join(TRACES, `${name}.json`), recorder.trace(RECORDINGS[name](recorder)));
}

function report(): void {
  const traces = NAMES.map((name) => ({ name, trace: readTrace(path.join(TRACES, `${name}.json`)) }));
  const about = traces.map(({ name, trace }) => `\n- *${name}*: ${trace.about}. Without a limit ${megabytes(allBytes(trace))} at the end; the steps took ${seconds(replay(trace, Infinity, leastRecentlyUsed).ran)} s, each once.`);
  const heads = traces.flatMap(({ name }) => [`${name}: limit`, "longest unused", "saves least"]);
  const rows = LIMITS.map((part) => `| ${part * 100}% | ${traces.flatMap(({ trace }) => cells(trace, part)).join(" | ")} |`);
  const text = ["`node bench/collection.ts --write`: seconds of work that is done again because the cache had forgotten it, by what goes first. Replayed are:", ...about, "", `| of all | ${heads.join(" | ")} |`, `|${" --- |".repeat(heads.length + 1)}`, ...rows].join("\n");
  console.log(text);
  if (values.write) writeBetweenMarks("collection", text);
}

function cells(trace: Trace, part: number): string[] {
  const most = allBytes(trace) * part;
  const [old, own] = [leastRecentlyUsed, byWorth].map((policy) => replay(trace, most, policy).again) as [number, number];
  return [megabytes(most), seconds(old), seconds(own)];
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
