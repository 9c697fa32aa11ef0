import type { Step } from "./steps.ts";

const RULE = "------\n";

/** The end of the failed steps' output between rules, as BuildKit prints it: at most `most` lines of each. */
export function failedOutput(steps: readonly Step[], most: number): string {
  const failed = steps.filter((step) => step.state === "failed" && step.log.lines.length > 0);
  return failed.map((step) => `${RULE} > ${step.name}:\n${output(step, most)}${RULE}`).join("");
}

function output(step: Step, most: number): string {
  const lines = step.log.lines.slice(-most);
  const left = step.log.lines.length - lines.length + step.log.dropped;
  const text = lines.map((line) => `${sinceStart(step, line.time)} ${line.text}\n`).join("");
  return left === 0 ? text : `… ${left} earlier line${left === 1 ? "" : "s"}\n${text}`;
}

/** Seconds since a step began: `0.123`. */
export function sinceStart(step: Step, time: number): string {
  return (Math.max(0, time - step.started) / 1000).toFixed(3);
}
