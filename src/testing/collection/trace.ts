import { readFileSync } from "node:fs";

/** A step of a build cache as real builds left it. */
export interface TracedStep {
  /** The instruction. */
  readonly name: string;
  /** Milliseconds that it took when it ran. */
  readonly took: number;
  /** Bytes of the disk that its layer took. */
  readonly bytes: number;
}

/** Builds in the order in which they ran, with the steps that each asked the cache for. */
export interface Trace {
  /** How it was recorded: a sentence. */
  readonly about: string;
  readonly steps: readonly TracedStep[];
  readonly builds: readonly {
    /** Minutes since the first. */
    readonly at: number;
    readonly what: string;
    /** Places in `steps`. */
    readonly steps: readonly number[];
  }[];
}

export function readTrace(file: string): Trace {
  return JSON.parse(readFileSync(file, "utf8")) as Trace;
}

/** Bytes of all steps of a trace: what a cache without a limit holds at its end. */
export function allBytes({ steps }: Trace): number {
  return steps.reduce((sum, { bytes }) => sum + bytes, 0);
}
