import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { startRegistry } from "../src/testing/registry.ts";
import { type Builder, laminate, peers, preparePeer } from "./builders.ts";
import { type Bench, type Case, CASES, preparePull, runCase } from "./cases.ts";
import type { Measurement } from "./measure.ts";
import { openProcessEvents } from "./process-events.ts";
import { asJson, tables } from "./table.ts";

const HELP = `Usage: npm run bench -- [--peers] [OPTIONS]      (as root)

Times Laminate of this checkout, and the builders beside it, on workloads of its own.

      --peers            docker and buildah too, in the root directory PEER_ROOT (default /srv/peers/sid)
      --peer-root DIR    that directory
      --user             Laminate as an ordinary user too
      --only CASE,…      ${CASES.join(", ")} (default: all)
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
    work: { type: "string" }, json: { type: "string" }, write: { type: "boolean", default: false }, help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  process.on("SIGINT", () => {}); // it ends the command that is measured, and that error cleans up
  const names = values.only.split(",").map(parseCase);
  const runs = parseNumber("--runs", values.runs);
  const scale = parseNumber("--scale", values.scale);
  const peerRoot = values["peer-root"] ?? process.env["PEER_ROOT"] ?? "/srv/peers/sid";
  using events = openProcessEvents();
  await using registry = await startRegistry();
  const address = `127.0.0.1:${registry.port}`;
  await using work = openWork(values.peers ? path.join(peerRoot, "work") : tmpdir(), values.work);
  const bases = values.peers
    ? { busybox: "127.0.0.1:5055/library/busybox:latest", debian: "127.0.0.1:5055/library/debian:bookworm" }
    : { busybox: "busybox", debian: "debian:bookworm" };
  await using stack = new AsyncDisposableStack();
  const builders: Builder[] = [];
  for (const user of values.user ? [false, true] : [false]) builders.push(stack.use(await laminate(path.join(work.scratch, user ? "user" : "root"), bases, user)));
  if (values.peers) builders.unshift(...peers(peerRoot, address));
  for (const peer of builders.slice(0, values.peers ? 2 : 0)) preparePeer(peer, bases);

  const results = new Map<string, Map<string, Measurement[]>>();
  const record: Bench["record"] = (row, { name }, measurement) => {
    const builder = results.getOrInsertComputed(row, () => new Map<string, Measurement[]>()).getOrInsertComputed(name, () => []);
    builder.push(measurement);
    console.error(`${row.padEnd(18)} ${name.padEnd(15)} ${measurement.seconds.toFixed(2).padStart(7)} s ${(measurement.peakMemory / 2 ** 20).toFixed(0).padStart(5)} MiB`);
  };
  const bench: Bench = { events, directory: work.contexts, bases, scale, registry: address, record };
  await runAll(bench, builders, names, runs);

  const table = tables(results, builders.map(({ name }) => name));
  console.log(table);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...about(), runs, scale, rows: asJson(results) }, null, 1)}\n`);
  if (values.write) writeTable(table, runs);
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

const [BEGIN, END] = ["<!-- table: begin -->", "<!-- table: end -->"];

/** Replaces what stands between the marks in README.md. */
function writeTable(table: string, runs: number): void {
  const file = path.join(import.meta.dirname, "README.md");
  const [before, , after] = readFileSync(file, "utf8").split(new RegExp(`${BEGIN}|${END}`));
  const { processors, kernel, date, command } = about();
  const facts = `\`${command}\` on ${date}: the median of ${runs}, ${processors} processors, Linux ${kernel}.`;
  writeFileSync(file, `${before}${BEGIN}\n${facts}\n\n${table}${END}${after}`);
}

function about() {
  return {
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench -- ${process.argv.slice(2).join(" ")}`,
    processors: cpus().length,
    kernel: release(),
    node: process.version,
  };
}

function parseCase(name: string): Case {
  const found = CASES.find((one) => one === name);
  if (found === undefined) throw new Error(`--only: there is no case "${name}"; known are ${CASES.join(", ")}`);
  return found;
}

function parseNumber(flag: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${flag}: "${text}" is not a number above 0`);
  return number;
}
