import type { VertexId } from "../graph/vertex.ts";
import type { BuildRecord, StepRecord } from "./build-record.ts";
import { counterpart } from "./build-record.ts";
import type { Cause } from "./cause.ts";

/** A cause that lies in a step itself, and what ran because of it. */
export interface CauseGroup {
  readonly step: StepRecord;
  /** Undefined where no earlier build was there to compare with. */
  readonly cause: Cause | undefined;
  /** Of files that changed in another stage: the step they are taken from, as far as that ran, with the one that its own cause leads to. */
  readonly taken?: { readonly step: StepRecord; readonly root: StepRecord };
  /** The steps that ran only because this one did, in order. */
  readonly followers: readonly StepRecord[];
  /** What all of them took, milliseconds. */
  readonly cost: number;
}

/** The steps of a build that ran, by the cause that each goes back to; in the graph's order. */
export function causeGroups({ steps }: BuildRecord): CauseGroup[] {
  const ran = steps.filter(({ outcome }) => outcome === "ran");
  const roots = ran.filter((step) => rootOf(step, ran) === step);
  return roots.map((step) => {
    const followers = ran.filter((other) => other !== step && rootOf(other, ran) === step);
    const from = takenFrom(step, steps);
    return { step, cause: step.cause, ...(from === undefined ? {} : { taken: { step: from, root: rootOf(from, ran) } }), followers, cost: [step, ...followers].reduce((sum, { duration }) => sum + duration, 0) };
  });
}

/** The uppermost step that ran of the stages that a step takes files from. */
function takenFrom({ cause, inputs }: StepRecord, steps: readonly StepRecord[]): StepRecord | undefined {
  if (cause?.kind !== "files" && cause?.kind !== "files-unknown") return undefined;
  const uppermost = (id: VertexId | undefined): StepRecord | undefined => {
    const step = steps.find((one) => one.id === id);
    return step === undefined || step.outcome === "ran" ? step : uppermost(step.inputs[0]);
  };
  return inputs.slice(1).map(uppermost).find((one) => one !== undefined);
}

/** The step that a step's cause leads to, as far as that ran in this build. */
function rootOf(step: StepRecord, ran: readonly StepRecord[]): StepRecord {
  const { cause } = step;
  const below = cause?.kind === "step" ? ran.find(({ id }) => id === cause.id) : undefined;
  return below === undefined ? step : rootOf(below, ran);
}

/** Steps that ran and gave what they gave in the build they were compared with, so that what follows could stay cached. */
export function cutOff({ steps }: BuildRecord, buildOf: (id: string) => BuildRecord | undefined): StepRecord[] {
  return steps.filter((step) => {
    if (step.outcome !== "ran" || step.layer === undefined || step.against === undefined) return false;
    return earlierStep(step, buildOf(step.against))?.layer === step.layer;
  });
}

/** The steps that were found in the cache and stand on this one, directly or through others that were found: had it given something else, they would have run. */
export function savedBy(step: StepRecord, { steps }: BuildRecord): StepRecord[] {
  const reached = new Set([step.id]);
  // In the graph's order inputs come before those that need them.
  return steps.filter(({ id, inputs, outcome }) => {
    const saved = outcome === "cached" && inputs.some((input) => reached.has(input));
    if (saved) reached.add(id);
    return saved;
  });
}

/** The like step of the build that a step was compared with. */
export function earlierStep(step: StepRecord, build: BuildRecord | undefined): StepRecord | undefined {
  return build === undefined ? undefined : counterpart(step, build.steps);
}
