import type { Json } from "../base/canonical-json.ts";
import { isCount, isNumber, isObject, isText, listOf, nullable, objectOf, oneOf, optional } from "../base/shape.ts";
import type { VertexId } from "../graph/vertex.ts";
import type { Decision } from "../solver/backend.ts";
import type { Cause } from "./cause.ts";

/** A step of a build as it is kept: what it was, its key and what went into it, what became of it and why. */
export interface StepRecord {
  readonly id: VertexId;
  readonly inputs: readonly VertexId[];
  /** As on the screen. */
  readonly title: string;
  /** The instruction without its number. */
  readonly name: string;
  readonly stage: string | null;
  readonly kind: string;
  readonly key: string;
  readonly ingredients: { readonly [name: string]: Json };
  readonly outcome: Decision["outcome"];
  /** Milliseconds. */
  readonly duration: number;
  /** What the step gave: a chainID, or the ID of a base image. */
  readonly result?: string;
  /** Its own layer. */
  readonly layer?: string;
  /** Of one that was found in a cache elsewhere: where. */
  readonly from?: string;
  /** Of one that ran: why; with the earlier build that it was compared with. */
  readonly cause?: Cause;
  readonly against?: string;
  readonly reads?: RecordedReads;
}

/** Of a RUN that was watched: what it opened of what other steps of the build made, by their ids; or why that is not known. */
export type RecordedReads =
  | {
      readonly of: { readonly [step: string]: { readonly files: readonly string[]; readonly directories: readonly string[] } };
      /** How many files of base images it opened. */
      readonly base: number;
      /** How many paths are left out, where there were too many to keep. */
      readonly left: number;
    }
  | { readonly reason: string };

/** A build as it is kept. */
export interface BuildRecord {
  /** Begins with the time, so IDs sort as builds came. */
  readonly id: string;
  /** What makes builds comparable: context, Dockerfile, target, platform. */
  readonly slot: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** The image ID. */
  readonly image?: string;
  readonly error?: string;
  /** The step that failed. */
  readonly failed?: StepName;
  /** In the graph's order; of a build that failed, those that were decided. */
  readonly steps: readonly StepRecord[];
}

const isCause = objectOf<Pick<Cause, "kind">>({ kind: isText });

const isStepRecord = objectOf<StepRecord>({
  id: isCount,
  inputs: listOf(isCount),
  title: isText,
  name: isText,
  stage: nullable(isText),
  kind: isText,
  key: isText,
  ingredients: isObject,
  outcome: oneOf("source", "cached", "ran"),
  duration: isNumber,
  result: optional(isText),
  layer: optional(isText),
  from: optional(isText),
  cause: optional(isCause),
  against: optional(isText),
  reads: optional(isObject),
});

/** Whether something that was kept is a build's record, as far as that can be told at a look. */
export const isBuildRecord = objectOf<BuildRecord>({
  id: isText,
  slot: isText,
  context: isText,
  dockerfile: isText,
  target: optional(isText),
  names: listOf(isText),
  started: isNumber,
  duration: isNumber,
  outcome: oneOf("succeeded", "failed", "cancelled"),
  image: optional(isText),
  error: optional(isText),
  failed: optional(objectOf<StepName>({ name: isText, stage: nullable(isText), kind: isText })),
  steps: listOf(isStepRecord),
});

/** What is known of a step besides its decision. */
export interface StepFacts {
  readonly result?: string | undefined;
  readonly layer?: string | undefined;
  readonly cause?: Cause | undefined;
  readonly against?: string | undefined;
  readonly from?: string | undefined;
  readonly reads?: RecordedReads | undefined;
}

/** What is kept of a step. */
export function stepRecord({ vertex, key, ingredients, outcome, duration }: Decision, { result, layer, cause, against, from, reads }: StepFacts): StepRecord {
  return {
    id: vertex.id,
    inputs: vertex.inputs,
    title: vertex.name,
    name: stepText(vertex.name),
    stage: vertex.stage ?? null,
    kind: vertex.operation.kind,
    key,
    ingredients,
    outcome,
    duration: Math.round(duration),
    ...(result === undefined ? {} : { result }),
    ...(layer === undefined ? {} : { layer }),
    ...(cause === undefined ? {} : { cause }),
    ...(against === undefined ? {} : { against }),
    ...(from === undefined ? {} : { from }),
    ...(reads === undefined ? {} : { reads }),
  };
}

/** The instruction without its number, which moves when a line is put in above. */
export function stepText(name: string): string {
  return name.replace(/^\[[^\]]*\] /, "");
}

export type StepName = Pick<StepRecord, "name" | "stage" | "kind">;

/**
 * The step of another build with the same text in the same stage; else the one of its kind, if there is one, whose text
 * is most like it and that is not one of the `others` of its build. A stage that the other build has not may have had another name there.
 */
export function counterpart({ name, stage, kind }: StepName, steps: readonly StepRecord[], others: readonly StepName[] = []): StepRecord | undefined {
  const known = steps.some((step) => step.stage === stage);
  const ofStage = steps.filter((step) => step.stage === stage || !known);
  const same = ofStage.find((step) => step.name === name);
  if (same !== undefined || !known) {
    return same;
  }
  const sameKind = ofStage.filter((step) => step.kind === kind && firstWord(step.name) === firstWord(name) && !others.some((other) => other.name === step.name && other.stage === step.stage));
  return sameKind.toSorted((a, b) => likeness(b.name, name) - likeness(a.name, name))[0];
}

/** How many characters two texts share at their beginnings and ends. */
function likeness(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let start = 0;
  while (start < length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return start + end;
}

function firstWord(text: string): string {
  return text.split(" ", 1)[0]!;
}
