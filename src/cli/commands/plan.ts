import type { Plan, PlannedStep } from "../../explain/plan.ts";
import { causeText } from "../../explain/cause.ts";
import { nameAndValue } from "../build-arguments.ts";
import { defineCommand } from "../command.ts";
import { seconds } from "../format.ts";
import { openFlags, openOptions } from "../open-flags.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "plan",
  summary: "Tell which steps a build would run, and run none",
  usage: "[OPTIONS] [PATH]",
  examples: ["laminate plan", "laminate plan --touch src/index.js", "laminate plan --arg VERSION=2 --base node:22 app", "laminate plan --base node:22=node:24 --format json"],
  flags: {
    ...openFlags,
    touch: { kind: "list", value: "PATH", summary: "As if this file, or all files of this directory, had other contents" },
    arg: { kind: "list", value: "NAME[=VALUE]", summary: "As if the build had this argument: as --build-arg" },
    base: { kind: "list", value: "IMAGE[=OTHER]", summary: "As if this base image were another one than it is, or were OTHER" },
    format: { kind: "string", value: "json", choices: ["json"], summary: "The whole plan as JSON" },
  },
  arguments: { min: 0, max: 1 },
  async run(context, values, [path = "."]) {
    const [{ plan }, { open }] = await Promise.all([import("../../api/plan.ts"), import("../open-laminate.ts")]);
    const options = await openOptions(context, { ...values, "build-arg": [...values["build-arg"], ...values.arg] }, path);
    await using laminate = await open(context, { readOnly: true });
    const told = await plan(laminate, { ...options, labels: {}, touch: values.touch, bases: values.base.map(givenBase) }, { events: () => {}, signal: context.signal });
    context.stdout.write(values.format === undefined ? printable(text(told)) : `${JSON.stringify(told, null, 2)}\n`);
    return 0;
  },
});

function givenBase(written: string): { readonly reference: string; readonly instead?: string } {
  const [reference, instead] = nameAndValue(written);
  return instead === "" ? { reference } : { reference, instead };
}

function text(plan: Plan): string {
  const shown = plan.steps.filter(({ outcome }) => outcome !== "source");
  return [...heading(plan), "", ...shown.flatMap((step) => stepLines(step, plan)), ""].join("\n");
}

function heading({ dockerfile, context, target, steps, least, most, unmeasured }: Plan): string[] {
  const count = (outcome: PlannedStep["outcome"]): number => steps.filter((step) => step.outcome === outcome).length;
  const [runs, depends, reused] = [count("runs"), count("depends"), count("reused")];
  const what = `Plan of ${dockerfile} in ${context}${target === undefined ? "" : `, target ${target}`}: ${runs === 1 ? "1 step runs" : `${runs} steps run`}${depends === 0 ? "" : `, ${depends} may run`}, ${reused} reused`;
  if (runs + depends === 0) return [what];
  const time = `about ${seconds(least)}${most > least ? `, up to ${seconds(most)}` : ""}, as the steps took when they last ran`;
  return [what, unmeasured.length === 0 ? time : `${time}; ${unmeasured.length} never ran, and ${unmeasured.length === 1 ? "is" : "are"} not counted`];
}

const WORDS: Readonly<Record<PlannedStep["outcome"], string>> = { source: "here", fetched: "fetched", reused: "reused", runs: "runs", depends: "may run" };

function stepLines(step: PlannedStep, { steps }: Plan): string[] {
  const { outcome, duration, title, cause, unless, ifSame } = step;
  const isWork = outcome === "runs" || outcome === "depends";
  const time = !isWork ? "" : duration === undefined ? "?" : seconds(duration);
  const indent = " ".repeat(18);
  const below = unless.filter((id) => id !== step.id).map((id) => steps.find((one) => one.id === id)!);
  return [
    `${WORDS[outcome].padEnd(8)} ${time.padStart(7)}  ${title}`,
    ...(isWork && cause !== undefined ? [`${indent}${causeText(cause)}`] : []),
    ...(outcome === "depends" ? [`${indent}${condition(below.map((one) => one.title), ifSame === "reused")}`] : []),
  ];
}

/** What an uncertain step depends on. `same`: it is known to be reused in that case. */
function condition(titles: readonly string[], same: boolean): string {
  const [steps, one] = [titles.join(" and "), titles.length === 1];
  if (!same) return `runs unless ${titles.length === 0 ? "what is behind its URL" : `what ${steps} ${one ? "leaves" : "leave"}`} was built on before`;
  return titles.length === 0 ? "reused if what is behind its URL is what it was" : `reused if ${steps} ${one ? "gives what it" : "give what they"} gave before`;
}
