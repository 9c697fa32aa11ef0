import type { VertexId } from "../graph/vertex.ts";
import { type BuildRecord, counterpart, type StepRecord } from "./build-record.ts";
import type { Cause } from "./cause.ts";

/** A step of a build that was not started, and what would become of it. */
export interface PlannedStep {
  readonly id: VertexId;
  readonly inputs: readonly VertexId[];
  /** As on the screen of a build. */
  readonly title: string;
  readonly stage: string | null;
  readonly kind: string;
  /**
   * `source`: a context, or an image that is here; `fetched`: an image that is not. `reused` and `runs` are certain;
   * `depends`: it runs unless the steps of `unless` give what they gave before, and is then what `ifSame` says.
   */
  readonly outcome: "source" | "fetched" | "reused" | "runs" | "depends";
  readonly unless: readonly VertexId[];
  readonly ifSame?: "reused" | "runs";
  /** Why it would run; undefined where no earlier build is there to compare with. */
  readonly cause?: Cause;
  /** Milliseconds that it took when it last ran, and in which build; undefined where it never did. */
  readonly duration?: number;
  readonly measuredIn?: string;
}

export interface Plan {
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  /** In the graph's order. */
  readonly steps: readonly PlannedStep[];
  /** Milliseconds: of the steps that run for certain, and of those with all that may run. Steps that do not need one another work at the same time. */
  readonly least: number;
  readonly most: number;
  /** Steps that run or may run and of which no duration is known. */
  readonly unmeasured: readonly VertexId[];
}

/** What a step took when it last ran, in the first of some builds in which it did. Where none has it, the likest step of an earlier state of this Dockerfile counts. */
export function lastDuration(step: Pick<StepRecord, "name" | "stage" | "kind">, slot: string, builds: readonly BuildRecord[]): Pick<PlannedStep, "duration" | "measuredIn"> {
  const ran = builds.flatMap((build) => {
    const like = counterpart(step, build.steps);
    return like?.outcome === "ran" ? [{ build, like }] : [];
  });
  const found = ran.find(({ like }) => like.name === step.name) ?? ran.find(({ build }) => build.slot === slot);
  return found === undefined ? {} : { duration: found.like.duration, measuredIn: found.build.id };
}

/** The times of a plan: the longest way through steps that wait for one another. */
export function timesOf(steps: readonly PlannedStep[]): Pick<Plan, "least" | "most" | "unmeasured"> {
  const maybe = steps.filter(({ outcome }) => outcome === "runs" || outcome === "depends");
  return {
    least: longestWay(steps, ({ outcome }) => outcome === "runs"),
    most: longestWay(steps, (step) => maybe.includes(step)),
    unmeasured: maybe.filter(({ duration }) => duration === undefined).map(({ id }) => id),
  };
}

function longestWay(steps: readonly PlannedStep[], counts: (step: PlannedStep) => boolean): number {
  const ends = new Map<VertexId, number>();
  for (const step of steps) {
    const start = Math.max(0, ...step.inputs.map((input) => ends.get(input) ?? 0));
    ends.set(step.id, start + (counts(step) ? (step.duration ?? 0) : 0));
  }
  return Math.max(0, ...ends.values());
}
