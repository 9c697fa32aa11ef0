import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Builder } from "./builders.ts";
import { measure, type Measurement, together } from "./measure.ts";
import type { ProcessEvents } from "./process-events.ts";
import { type Bases, EDITED, edit, type Workload, writeDockerfile, writeWorkload } from "./workloads.ts";

/** What a target is about: times the better peer's figure, or an absolute figure in seconds or MiB. */
export interface Target {
  readonly ratio?: number;
  readonly seconds?: number;
  readonly memory?: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly target: Target;
}

export const CASES = ["hello", "chain", "parallel", "many", "big", "pull"] as const;
export type Case = (typeof CASES)[number];

/** The table's rows in order; the targets are those this project set itself. */
export const ROWS: readonly Row[] = [
  { id: "hello cold", title: "hello (COPY + RUN), cold", target: { ratio: 0.5 } },
  { id: "hello cached", title: "hello, cached", target: { ratio: 0.3 } },
  { id: "chain cold", title: "chain of 30 RUN on Debian, cold", target: { ratio: 0.7 } },
  { id: "chain cached", title: "chain, cached", target: { ratio: 0.35 } },
  { id: "parallel cold", title: "six independent stages that sleep 2 s, cold", target: { seconds: 2.1 } },
  { id: "parallel cached", title: "six stages, cached", target: {} },
  { id: "many cold", title: "50,000 files (300 MB) copied, a RUN on them, cold", target: { ratio: 0.25, memory: 200 } },
  { id: "many cached", title: "50,000 files, cached", target: { ratio: 0.25, memory: 45 } },
  { id: "many changed", title: "50,000 files, one changed", target: { ratio: 0.1, memory: 200 } },
  { id: "big cold build", title: "1 GB in 200 files, build, cold", target: { memory: 200 } },
  { id: "big cold push", title: "1 GB, push, cold", target: { memory: 200 } },
  { id: "big cold", title: "1 GB, build + push, cold", target: { ratio: 0.5 } },
  { id: "big cached", title: "1 GB, build, cached", target: { ratio: 0.3 } },
  { id: "big cached push", title: "1 GB, push again", target: {} },
  { id: "big changed build", title: "1 GB, one file changed, build", target: {} },
  { id: "big changed push", title: "1 GB, one file changed, push", target: {} },
  { id: "big changed", title: "1 GB, one file changed, build + push", target: { ratio: 0.25 } },
  { id: "pull", title: "1 GB, pull", target: {} },
  { id: "pull run", title: "1 GB, pull, then a RUN on it", target: { ratio: 0.5 } },
];

/** What every round of a case has at hand. */
export interface Bench {
  readonly events: ProcessEvents;
  readonly signal: AbortSignal;
  /** Where contexts stand. */
  readonly directory: string;
  readonly bases: Bases;
  readonly scale: number;
  /** host:port of the registry that images are pushed to. */
  readonly registry: string;
  readonly record: (row: string, builder: Builder, measurement: Measurement) => void;
}

/** One round of a case with one builder; `edition` is a number that no other round has. */
export async function runCase(name: Case, bench: Bench, builder: Builder, edition: number): Promise<void> {
  const tag = `${bench.registry}/bench/${builder.name.replace(/\W+/g, "-").replace(/-$/, "")}-${name}:latest`;
  const round = new Round(bench, builder, edition);
  builder.forget();
  await ROUNDS[name](round, tag);
  builder.forget();
}

/** The measurements of one round with one builder. */
export class Round {
  readonly bench: Bench;
  readonly builder: Builder;
  #edition: number;

  constructor(bench: Bench, builder: Builder, edition: number) {
    [this.bench, this.builder, this.#edition] = [bench, builder, edition];
  }

  context(workload: Workload): string {
    const directory = path.join(this.bench.directory, workload);
    writeWorkload(workload, directory, this.bench.bases, this.bench.scale);
    return directory;
  }

  /** Changes the workload's file as no round before did: nobody has this content yet. */
  edit(workload: Workload): void {
    edit(path.join(this.context(workload), EDITED[workload]!), (this.#edition += 1));
  }

  /** What was written before is the disk's business before the clock starts, not while it runs. */
  async measure(row: string, argv: readonly string[]): Promise<Measurement> {
    spawnSync("sync");
    const { events, signal } = this.bench;
    return this.record(row, await measure(argv, { events, signal, daemons: this.builder.daemons(), prefix: this.builder.prefix }));
  }

  record(row: string, measurement: Measurement): Measurement {
    this.bench.record(row, this.builder, measurement);
    return measurement;
  }
}

const ROUNDS: Readonly<Record<Case, (round: Round, tag: string) => Promise<void>>> = {
  hello: coldAndCached("hello"),
  chain: coldAndCached("chain"),
  parallel: coldAndCached("parallel"),
  async many(round, tag) {
    round.edit("many");
    await coldAndCached("many")(round, tag);
    round.edit("many");
    await round.measure("many changed", round.builder.build(round.context("many"), tag));
  },
  async big(round, tag) {
    const [build, push] = [round.builder.build(round.context("big"), tag), round.builder.push(tag)];
    const both = async (row: string) => {
      const parts = [await round.measure(`${row} build`, build), await round.measure(`${row} push`, push)];
      round.record(row, together(parts));
    };
    round.edit("big");
    await both("big cold");
    await round.measure("big cached", build);
    await round.measure("big cached push", push);
    round.edit("big");
    await both("big changed");
  },
  async pull(round) {
    const tag = PULLED(round.bench);
    const context = path.join(round.bench.directory, "pull");
    writeDockerfile(context, [`FROM ${tag}`, "RUN ls /data | wc -l > /count"]);
    const parts = [await round.measure("pull", round.builder.pull(tag)), await round.measure("pull build", round.builder.build(context, `${tag}-run`))];
    round.record("pull run", together(parts));
  },
};

const PULLED = ({ registry }: Bench) => `${registry}/bench/pulled:latest`;

/** Pushes the image that all builders will pull. */
export async function preparePull(bench: Bench, builder: Builder): Promise<void> {
  const round = new Round({ ...bench, record: () => {} }, builder, 0);
  for (const argv of [builder.build(round.context("big"), PULLED(bench)), builder.push(PULLED(bench))]) await round.measure("", argv);
  builder.forget();
}

function coldAndCached(workload: Workload): (round: Round, tag: string) => Promise<void> {
  return async (round, tag) => {
    const build = round.builder.build(round.context(workload), tag);
    await round.measure(`${workload} cold`, build);
    await round.measure(`${workload} cached`, build);
  };
}
