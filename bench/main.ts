import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { findPeers } from "../src/testing/peers.ts";
import { boundsTables } from "./bounds.ts";
import type { Builder } from "./builders.ts";
import { type Case, CASES, needsOf, preparePull, runCase } from "./cases.ts";
import { BUILDERS, Figures } from "./figures.ts";
import { CURVE_NAMES, type CurveName, CURVES, measureGrowth, type Point } from "./growth.ts";
import { growthPicture, growthTables } from "./growth-report.ts";
import { measureLimits } from "./limits.ts";
import { about, aboutLine, writeBetweenMarks, writePicture } from "./pages.ts";
import type { Measurement } from "./measure.ts";
import type { Bench } from "./round.ts";
import { openSetting, type SettingOptions } from "./setting.ts";
import { tables } from "./table.ts";

const HELP = `Usage: npm run bench -- [--peers] [OPTIONS]      (as root)

Times Laminate of this checkout, and the builders beside it, on workloads of its own.

      --peers            docker and buildah too, in the root directory PEER_ROOT
      --peer-root DIR    that directory
      --user             Laminate as an ordinary user too
      --only CASE,…      ${CASES.join(", ")} (default: all)
      --builders NAME,…  docker, buildah, laminate, laminate (user): only these of those asked for; what --resume has of others stays
      --growth CURVE,…   instead: time and memory against ${CURVE_NAMES.join(", ")} or all of them
      --points N,…       at these sizes
      --runs N           rounds; the builders take turns in each, medians are shown (default 3)
      --patience S       a builder whose rows of a case add up to more than S seconds has one round of it (default 300)
      --within MIN       no second or further round of a case begins after so many minutes
      --scale F          workloads of this part of their size (default 1)
      --work DIR         keep the workloads in DIR for the next time (with --peers: below DIR of the peers' /work)
      --json FILE        all figures of all rounds, written after each case
      --resume FILE      as --json, but go on with what FILE holds: the cases of --only are measured anew, else those that are missing
      --write            renew the tables in bench/README.md and docs/performance.md
      --help             this`;

const { values } = parseArgs({
  options: {
    peers: { type: "boolean", default: false }, "peer-root": { type: "string" }, user: { type: "boolean", default: false },
    only: { type: "string" }, builders: { type: "string" }, runs: { type: "string", default: "3" }, patience: { type: "string", default: "300" }, within: { type: "string", default: "Infinity" }, scale: { type: "string", default: "1" }, growth: { type: "string" }, points: { type: "string" },
    work: { type: "string" }, json: { type: "string" }, resume: { type: "string" }, write: { type: "boolean", default: false }, help: { type: "boolean", default: false },
  },
});

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort(new Error(`ended by ${name}`)));

if (values.help) console.log(HELP);
else await (values.growth === undefined ? benchCases() : benchGrowth(values.growth)).catch(giveUp);

async function benchCases(): Promise<void> {
  const cases = values.only?.split(",").map((name) => parseWord("--only", name, CASES)) ?? CASES;
  const runs = parseNumber("--runs", values.runs);
  const file = values.resume ?? values.json;
  const figures = values.resume === undefined ? new Figures() : Figures.read(values.resume);
  const chosen = values.builders?.split(",").map((name) => parseWord("--builders", name, BUILDERS)) ?? BUILDERS;
  if (values.only !== undefined) cases.forEach((name) => figures.forget(name, chosen));
  const save = () => file !== undefined && figures.write(file, { ...about(), runs, scale: parseNumber("--scale", values.scale) });
  await using setting = await openSetting({ ...settingOptions(), needs: needsOf(cases), record: (row, builder, measurement) => say(row, builder.name, measurement) });
  const { bench } = setting;
  const builders = setting.builders.filter(({ name }) => chosen.includes(name));
  const show = () => tables(figures.results, figures.builders());
  try {
    await runAll({ bench, builders, cases, runs, patience: parseNumber("--patience", values.patience), within: parseNumber("--within", values.within), figures, save });
  } finally {
    if (figures.results.size > 0) console.log(show()); // also of what was measured until it failed
  }
  const bounds = boundsTables(figures.results, await measureLimits(bench.directory), bench.scale);
  console.log(bounds);
  if (!values.write) return;
  const size = bench.scale === 1 ? "" : `**the large workloads have ${bench.scale} of the size that the rows say**, `;
  writeBetweenMarks("table", `${aboutLine(`${figures.roundsText(runs)}, ${size}`)}\n\n${show()}`);
  writeBetweenMarks("limits", `${aboutLine(size)}\n\n${bounds}`);
}

interface Runs {
  readonly bench: Bench;
  readonly builders: readonly Builder[];
  readonly cases: readonly Case[];
  readonly runs: number;
  /** Seconds. */
  readonly patience: number;
  /** Minutes. */
  readonly within: number;
  readonly figures: Figures;
  readonly save: () => void;
}

/** Every round takes all cases, and every case all builders in turn: what the machine does meanwhile hits them alike. A case that fails leaves its place in the table empty. */
async function runAll({ bench, builders, cases, runs, patience, within, figures, save }: Runs): Promise<void> {
  const late = performance.now() + within * 60_000;
  const wanted = (name: Case, builder: Builder, run: number) => figures.rounds(name, builder.name) <= run && figures.perRound(name, builder.name) <= patience;
  if (cases.includes("pull") && builders.some((builder) => wanted("pull", builder, runs - 1))) await preparePull({ ...bench, record: () => {} }, builders[0]!);
  let edition = Math.floor(Date.now() / 1000) * 1000; // unlike that of any earlier bench on the same files
  for (let run = 0; run < runs; run += 1) {
    for (const name of cases) {
      if (run > 0 && performance.now() > late) continue;
      for (const builder of builders.filter((one) => wanted(name, one, run))) {
        const began = performance.now();
        const round = new Figures();
        const record: Bench["record"] = (row, one, measurement) => void [bench.record(row, one, measurement), round.add(row, one, measurement)];
        try {
          await runCase(name, { ...bench, record }, builder, (edition += 100));
        } catch (error) {
          stop.signal.throwIfAborted();
          giveUp(new Error(`${name} with ${builder.name}`, { cause: error }));
          continue;
        }
        figures.take(round);
        save();
        console.error(`${name.padEnd(18)} ${builder.name.padEnd(15)} done in ${((performance.now() - began) / 1000).toFixed(0)} s with all that is not timed`);
      }
    }
  }
}

async function benchGrowth(names: string): Promise<void> {
  const curves: readonly CurveName[] = names === "all" ? CURVE_NAMES : names.split(",").map((name) => parseWord("--growth", name, CURVE_NAMES));
  const sizes = values.points?.split(",").map((text) => parseNumber("--points", text));
  await using setting = await openSetting({ ...settingOptions(), needs: curves.includes("layers") ? ["debian"] : [], record: (row, builder, measurement) => say(row, builder.name, measurement) });
  const measured = new Map<CurveName, Point[]>();
  for (const name of curves) {
    const points = await measureGrowth(name, setting.bench, setting.builders, { sizes, keep: values.work !== undefined });
    console.log(growthTables(name, points));
    measured.set(name, points);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...about(), curves: Object.fromEntries(measured) }, null, 1)}\n`);
  }
  if (!values.write) return;
  const parts = [...measured].map(([name, points]) => {
    writePicture(`performance-${name}.svg`, growthPicture(name, points));
    return growthTables(name, points).replace("\n\n", `\n\n![${CURVES[name].title}](performance-${name}.svg)\n\n`);
  });
  writeBetweenMarks("growth", `${aboutLine("")}\n\n${parts.join("\n")}`);
}

function settingOptions(): Pick<SettingOptions, "peers" | "user" | "work" | "scale" | "signal"> {
  const { user, work } = values;
  const peers = values.peers ? findPeers(values["peer-root"], process.env) : undefined;
  if (values.peers && peers === undefined) throw new Error("--peers needs to know where they are: --peer-root DIR, or PEER_ROOT");
  return { peers, user, work, scale: parseNumber("--scale", values.scale), signal: stop.signal };
}

function say(row: string, builder: string, { seconds, peakMemory }: Measurement): void {
  console.error(`${row.padEnd(18)} ${builder.padEnd(15)} ${seconds.toFixed(2).padStart(7)} s ${(peakMemory / 2 ** 20).toFixed(0).padStart(5)} MiB`);
}

function giveUp(error: unknown): void {
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
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
