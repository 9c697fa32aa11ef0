import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { startRegistry } from "../src/testing/registry.ts";
import { type Builder, laminate, peers, preparePeer } from "./builders.ts";
import { type Bench, type Case, CASES, preparePull, runCase } from "./cases.ts";
import { CURVE_NAMES, growthTable, measureGrowth } from "./growth.ts";
import type { Measurement } from "./measure.ts";
import { openProcessEvents } from "./process-events.ts";
import { asJson, tables } from "./table.ts";

const HELP = `Usage: npm run bench -- [--peers] [OPTIONS]      (as root)

Times Laminate of this checkout, and the builders beside it, on workloads of its own.

      --peers            docker and buildah too, in the root directory PEER_ROOT
      --peer-root DIR    that directory
      --user             Laminate as an ordinary user too
      --only CASE,…      ${CASES.join(", ")} (default: all)
      --growth CURVE     instead: time and memory against ${CURVE_NAMES.join(", ")}
      --points N,…       at these sizes
      --runs N           rounds; the builders take turns in each, medians are shown (default 3)
      --scale F          workloads of this part of their size (default 1)
      --work DIR         keep the workloads in DIR for the next time (with --peers: below DIR of the peers' /work)
      --json FILE        all figures of all rounds
      --write            put the table into bench/README.md
      --help             this`;

const { values } = parseArgs({
  options: {
    peers: { type: "boolean", default: false }, "peer-root": { type: "string" }, user: { type: "boolean", default: false },
    only: { type: "string", default: CASES.join() }, runs: { type: "string", default: "3" }, scale: { type: "string", default: "1" },
    growth: { type: "string" }, points: { type: "string" }, work: { type: "string" }, json: { type: "string" }, write: { type: "boolean", default: false }, help: { type: "boolean", default: false },
  },
});

/** Between these stands the table in README.md. */
const [BEGIN, END] = ["<!-- table: begin -->", "<!-- table: end -->"];
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort(new Error(`ended by ${name}`)));

if (values.help) console.log(HELP);
else await main().catch(giveUp);

async function main(): Promise<void> {
  const cases = values.only.split(",").map((name) => parseWord("--only", name, CASES));
  const curve = values.growth === undefined ? undefined : parseWord("--growth", values.growth, CURVE_NAMES);
  const points = values.points?.split(",").map((text) => parseNumber("--points", text));
  const runs = parseNumber("--runs", values.runs);
  const results = new Map<string, Map<string, Measurement[]>>();
  await using setting = await openSetting(results, parseNumber("--scale", values.scale));
  const { bench, builders } = setting;
  if (curve !== undefined) {
    const growth = await measureGrowth(curve, bench, builders, points);
    console.log(growthTable(curve, growth));
    writeJson({ curve, points: growth });
    return;
  }
  const show = () => tables(results, builders.map(({ name }) => name));
  try {
    await runAll(bench, builders, cases, runs);
  } finally {
    if (results.size > 0) console.log(show()); // also of what was measured until it failed
    writeJson({ runs, scale: bench.scale, rows: asJson(results) });
  }
  if (values.write) writeTable(show(), runs, bench.scale);
}

function giveUp(error: unknown): void {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

interface Setting extends AsyncDisposable {
  readonly bench: Bench;
  readonly builders: readonly Builder[];
}

/** Opens all that a bench needs: a registry, places for contexts and stores, the builders with their base images. */
async function openSetting(results: Map<string, Map<string, Measurement[]>>, scale: number): Promise<Setting> {
  const peerRoot = values["peer-root"] ?? process.env["PEER_ROOT"] ?? "";
  if (values.peers && peerRoot === "") throw new Error("--peers needs to know where they are: --peer-root DIR, or PEER_ROOT");
  await using opening = new AsyncDisposableStack();
  const events = opening.use(openProcessEvents());
  const { port } = opening.use(await startRegistry());
  const registry = `127.0.0.1:${port}`;
  const { contexts, scratch } = opening.use(openWork(values.peers ? path.join(peerRoot, "work") : tmpdir(), values.work));
  const bases = values.peers
    ? { busybox: "127.0.0.1:5055/library/busybox:latest", debian: "127.0.0.1:5055/library/debian:bookworm" }
    : { busybox: "busybox", debian: "debian:bookworm" };
  const builders: Builder[] = values.peers ? [...peers(peerRoot, registry)] : [];
  for (const peer of builders) preparePeer(peer, bases);
  for (const user of values.user ? [false, true] : [false]) builders.push(opening.use(await laminate(path.join(scratch, user ? "user" : "root"), bases, user)));
  const record: Bench["record"] = (row, { name }, measurement) => {
    results.getOrInsertComputed(row, () => new Map<string, Measurement[]>()).getOrInsertComputed(name, () => []).push(measurement);
    console.error(`${row.padEnd(18)} ${name.padEnd(15)} ${measurement.seconds.toFixed(2).padStart(7)} s ${(measurement.peakMemory / 2 ** 20).toFixed(0).padStart(5)} MiB`);
  };
  const opened = opening.move();
  return { bench: { events, signal: stop.signal, directory: contexts, bases, scale, registry, record }, builders, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Every round takes all cases, and every case all builders in turn: what the machine does meanwhile hits them alike. */
async function runAll(bench: Bench, builders: readonly Builder[], names: readonly Case[], runs: number): Promise<void> {
  if (names.includes("pull")) await preparePull(bench, builders[0]!);
  let edition = Math.floor(Date.now() / 1000) * 1000; // unlike that of any earlier bench on the same files
  for (let run = 0; run < runs; run += 1) {
    for (const name of names) for (const builder of builders) await runCase(name, bench, builder, (edition += 10));
  }
}

/** Directories for contexts and for what goes at the end. */
function openWork(parent: string, kept: string | undefined): AsyncDisposable & { readonly contexts: string; readonly scratch: string } {
  const scratch = mkdtempSync(path.join(parent, "laminate-bench-"));
  const contexts = kept === undefined ? path.join(scratch, "contexts") : path.resolve(parent, kept);
  mkdirSync(contexts, { recursive: true });
  chmodSync(scratch, 0o755); // the ordinary user's store is in it
  return { contexts, scratch, async [Symbol.asyncDispose]() { rmSync(scratch, { recursive: true, force: true }); } };
}

/** Replaces what stands between the marks in README.md. */
function writeTable(table: string, runs: number, scale: number): void {
  const file = path.join(import.meta.dirname, "README.md");
  const [before, , after] = readFileSync(file, "utf8").split(new RegExp(`${BEGIN}|${END}`));
  const { processors, kernel, date, command, load } = about();
  const size = scale === 1 ? "" : `; **\`many\` and \`big\` have ${scale} of the size that the rows say**`;
  const facts = `\`${command}\` on ${date}: the median of ${runs}, ${processors} processors, load average ${load} at the end, Linux ${kernel}${size}.`;
  writeFileSync(file, `${before}${BEGIN}\n${facts}\n\n${table}${END}${after}`);
}

function about() {
  return {
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`,
    processors: cpus().length,
    load: loadavg()[1]!.toFixed(1),
    kernel: release(),
    node: process.version,
  };
}

function writeJson(figures: object): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...about(), ...figures }, null, 1)}\n`);
}

function parseWord<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
  const found = words.find((one) => one === text);
  if (found === undefined) throw new Error(`${flag}: there is no "${text}"; known are ${words.join(", ")}`);
  return found;
}

function parseNumber(flag: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${flag}: "${text}" is not a number above 0`);
  return number;
}
