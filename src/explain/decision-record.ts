import type { Json } from "../base/canonical-json.ts";
import type { Decision } from "../solver/backend.ts";

/** A step of an earlier build as it is kept: what it was, its key and what went into it. */
export interface StepDecision {
  readonly name: string;
  readonly stage: string | null;
  readonly kind: string;
  readonly key: string;
  readonly ingredients: { readonly [name: string]: Json };
  readonly outcome: Decision["outcome"];
  /** Milliseconds. */
  readonly duration: number;
}

/** The decisions of a build's last run, in the graph's order: what a later miss is compared with. */
export interface DecisionRecord {
  readonly steps: readonly StepDecision[];
}

/** What is kept of a build's decisions. */
export function decisionRecord(decisions: readonly Decision[]): DecisionRecord {
  return { steps: decisions.map(stepDecision) };
}

function stepDecision({ vertex, key, ingredients, outcome, duration }: Decision): StepDecision {
  return { name: stepText(vertex.name), stage: vertex.stage ?? null, kind: vertex.operation.kind, key, ingredients, outcome, duration: Math.round(duration) };
}

/** The instruction without its number, which moves when a line is put in above. */
export function stepText(name: string): string {
  return name.replace(/^\[[^\]]*\] /, "");
}
