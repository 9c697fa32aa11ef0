import path from "node:path";
import type { Builder } from "./builders.ts";
import { apt, far, layers, monorepo, npm, second, slow } from "./daily-cases.ts";
import { writeDockerfile } from "./dockerfile.ts";
import { together } from "./measure.ts";
import { type Bench, Round } from "./round.ts";
import type { Need } from "./setting.ts";
import { EDITED, edit, type Workload } from "./workloads.ts";

/** One round of a case with one builder, from nothing cached. */
type RunRound = (round: Round, tag: string) => Promise<void>;

const ROUNDS = {
  hello: coldAndCached("hello"),
  chain: coldAndCached("chain"),
  parallel: coldAndCached("parallel"),
  async many(round, tag) {
    change(round, "many");
    await coldAndCached("many")(round, tag);
    change(round, "many");
    await round.measure("many changed", round.builder.build(round.context("many"), tag));
  },
  async big(round, tag) {
    const [build, push] = [round.builder.build(round.context("big"), tag), round.builder.push(tag)];
    const both = async (row: string) => {
      const parts = [await round.measure(`${row} build`, build), await round.measure(`${row} push`, push)];
      round.record(row, together(parts));
    };
    change(round, "big");
    await both("big cold");
    await round.measure("big cached", build);
    await round.measure("big cached push", push);
    change(round, "big");
    await both("big changed");
  },
  async pull(round) {
    const tag = PULLED(round.bench);
    const context = path.join(round.bench.directory, "pull");
    writeDockerfile(context, [`FROM ${tag}`, "RUN ls /data | wc -l > /count"]);
    const parts = [await round.measure("pull", round.builder.pull(tag)), await round.measure("pull build", round.builder.build(context, `${tag}-run`))];
    round.record("pull run", together(parts));
  },
  npm, apt, slow, second, far, layers, monorepo, // what takes longest comes last
} as const satisfies Readonly<Record<string, RunRound>>;

export type Case = keyof typeof ROUNDS;
export const CASES = Object.keys(ROUNDS) as readonly Case[];

const NEEDS: Readonly<Partial<Record<Case, Need>>> = { chain: "debian", layers: "debian", apt: "debian", npm: "node", far: "far" };

/** What has to be set up for these cases. */
export function needsOf(cases: readonly Case[]): readonly Need[] {
  return cases.flatMap((name) => NEEDS[name] ?? []);
}

/** One round of a case with one builder; `edition` is a number that no other round has. */
export async function runCase(name: Case, bench: Bench, builder: Builder, edition: number): Promise<void> {
  const host = name === "far" ? bench.farRegistry! : bench.registry;
  const tag = `${host}/bench/${builder.name.replace(/\W+/g, "-").replace(/-$/, "")}-${name}:latest`;
  builder.forget();
  await (ROUNDS[name] as RunRound)(new Round(bench, builder, edition), tag);
  builder.forget();
}

const PULLED = ({ registry }: Bench) => `${registry}/bench/pulled:latest`;

/** Pushes the image that all builders will pull. */
export async function preparePull(bench: Bench, builder: Builder): Promise<void> {
  const round = new Round(bench, builder, 0);
  for (const argv of [builder.build(round.context("big"), PULLED(bench)), builder.push(PULLED(bench))]) await round.run(argv);
  builder.forget();
}

/** Changes the workload's file as no round before did: nobody has this content yet. */
function change(round: Round, workload: "many" | "big"): void {
  edit(path.join(round.context(workload), EDITED[workload]), round.edition());
}

function coldAndCached(workload: Workload): RunRound {
  return async (round, tag) => {
    const build = round.builder.build(round.context(workload), tag);
    await round.measure(`${workload} cold`, build);
    await round.measure(`${workload} cached`, build);
  };
}
