import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Builder } from "./builders.ts";
import { measure, type Measurement } from "./measure.ts";
import type { ProcessEvents } from "./process-events.ts";
import { type Bases, type Workload, writeWorkload } from "./workloads.ts";

/** What every round of a case has at hand. */
export interface Bench {
  readonly events: ProcessEvents;
  readonly signal: AbortSignal;
  /** Where contexts stand. */
  readonly directory: string;
  readonly bases: Bases;
  readonly scale: number;
  /** host:port of the registry that images are pushed to, and of the same behind a slow link where a case wants that. */
  readonly registry: string;
  readonly farRegistry: string | undefined;
  readonly record: (row: string, builder: Builder, measurement: Measurement) => void;
}

/** The measurements of one round with one builder. */
export class Round {
  readonly bench: Bench;
  readonly builder: Builder;
  #edition: number;

  /** `edition` is a number that no other round has, nor the nine after it. */
  constructor(bench: Bench, builder: Builder, edition: number) {
    [this.bench, this.builder, this.#edition] = [bench, builder, edition];
  }

  /** A number that nobody had before: content that nobody has yet. */
  edition(): number {
    return (this.#edition += 1);
  }

  /** The directory of a workload, written if it is not there yet. */
  context(workload: Workload): string {
    const directory = path.join(this.bench.directory, workload);
    writeWorkload(workload, directory, this.bench.bases, this.bench.scale);
    return directory;
  }

  /** What was written before is the disk's business before the clock starts, not while it runs. */
  async measure(row: string, argv: readonly string[]): Promise<Measurement> {
    return this.record(row, await this.run(argv));
  }

  /** As {@link measure}, for a command that is no row of the table. */
  async run(argv: readonly string[]): Promise<Measurement> {
    spawnSync("sync");
    const { events, signal } = this.bench;
    return await measure(argv, { events, signal, daemons: this.builder.daemons(), prefix: this.builder.prefix });
  }

  record(row: string, measurement: Measurement): Measurement {
    this.bench.record(row, this.builder, measurement);
    return measurement;
  }
}
