import type { BuildEvent } from "../../events/build-event.ts";
import { printable } from "../printable.ts";
import { type LogLine, StepLog } from "./step-log.ts";

export type StepState = "waiting" | "running" | "cached" | "done" | "failed" | "canceled";

export interface Transfer {
  readonly item: string;
  readonly current: number;
  readonly total: number | undefined;
  readonly done: boolean;
  readonly started: number;
}

/** A step as the screen shows it. */
export interface Step {
  readonly id: number;
  /** `#5`: in the order in which steps appear. */
  readonly number: number;
  readonly name: string;
  readonly log: StepLog;
  readonly transfers: Map<string, Transfer>;
  state: StepState;
  started: number;
  ended: number | undefined;
  /** Why it is the first that was not cached. */
  miss: string | undefined;
  error: string | undefined;
}

const BEFORE_PLAN = -1;

/** An event that is about one step. */
export type StepEvent = Extract<BuildEvent, { readonly id: number }>;

/** The steps of a build, brought up to date by events. */
export class Steps {
  /** All that is planned. */
  #planned = 0;
  readonly #names = new Map<number, string>();
  readonly #steps = new Map<number, Step>();

  /** Steps that have appeared, in that order. */
  get all(): readonly Step[] {
    return [...this.#steps.values()];
  }

  get planned(): number {
    return Math.max(this.#planned, this.#steps.size);
  }

  /** Takes in what is planned; returns the step of what was pulled for planning, which is over now. */
  plan(event: Extract<BuildEvent, { readonly type: "plan" }>): Step | undefined {
    this.#planned += event.steps.length;
    for (const step of event.steps) this.#names.set(step.id, step.name);
    const pulled = this.#steps.get(BEFORE_PLAN);
    if (pulled === undefined || isOver(pulled)) return undefined;
    finish(pulled, "done", event.time);
    return pulled;
  }

  /** Applies an event to its step; `lines` are the log lines that it completes. */
  apply(event: StepEvent): { readonly step: Step; readonly lines: readonly LogLine[] } {
    const step = this.#step(event);
    return { step, lines: update(step, event) };
  }

  #step(event: StepEvent): Step {
    // Base images are pulled to know their configs before there is a graph: their transfers have no step yet.
    const early = event.type === "progress" && !this.#names.has(event.id) && !this.#steps.has(event.id);
    const id = early ? BEFORE_PLAN : event.id;
    const known = this.#steps.get(id);
    if (known !== undefined) return known;
    const name = early ? "[internal] pull base images" : "name" in event ? event.name : (this.#names.get(id) ?? `step ${id}`);
    const step: Step = {
      id,
      number: this.#steps.size + 1,
      name: printable(name).replace(/\s+/g, " "),
      log: new StepLog(),
      transfers: new Map(),
      state: early ? "running" : "waiting",
      started: event.time,
      ended: undefined,
      miss: undefined,
      error: undefined,
    };
    this.#steps.set(id, step);
    return step;
  }
}

export function isOver(step: Step): boolean {
  return step.state !== "waiting" && step.state !== "running";
}

function update(step: Step, event: StepEvent): readonly LogLine[] {
  switch (event.type) {
    case "step-started":
      step.state = "running";
      step.started = event.time;
      return [];
    case "step-log":
      return step.log.add(event.stream, event.data, event.time);
    case "progress": {
      const { item, current, total, done } = event;
      const started = step.transfers.get(item)?.started ?? event.time;
      step.transfers.set(item, { item: printable(item), current, total, done, started });
      return [];
    }
    case "miss":
      step.miss = printable(event.message);
      return [];
    case "step-failed":
      step.error = printable(event.message);
      return finish(step, "failed", event.time);
    case "step-cached":
      return finish(step, "cached", event.time);
    case "step-finished":
      return finish(step, "done", event.time);
    case "step-cancelled":
      return finish(step, "canceled", event.time);
  }
}

function finish(step: Step, state: StepState, time: number): readonly LogLine[] {
  step.state = state;
  step.ended = time;
  return step.log.end(time);
}
