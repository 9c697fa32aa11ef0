import type { BuildRecord } from "../explain/build-record.ts";
import { humanAge, seconds } from "./format.ts";

/** A build in one line: which, of what, when, and what became of it. */
export function buildHeading({ id, dockerfile, context, target, names, started, duration, outcome, steps }: BuildRecord): string {
  const ran = steps.filter((step) => step.outcome === "ran").length;
  const cached = steps.filter((step) => step.outcome === "cached").length;
  const of = `${dockerfile} in ${context}${target === undefined ? "" : `, target ${target}`}${names.length === 0 ? "" : `, as ${names.join(", ")}`}`;
  return `Build ${id} of ${of}: ${outcome} ${humanAge(started, Date.now()).toLowerCase()} in ${seconds(duration)}, ${ran} ${ran === 1 ? "step" : "steps"} ran, ${cached} cached`;
}
