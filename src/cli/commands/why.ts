import type { ExplainedFile, Why } from "../../api/why.ts";
import { changeText, type Cause, causeText } from "../../explain/cause.ts";
import { defineCommand } from "../command.ts";
import { seconds } from "../format.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "why",
  summary: "Tell why the steps of a build ran",
  usage: "[OPTIONS] [BUILD [STEP]]",
  examples: ["laminate why", "laminate why test-image", "laminate why last 4/6", "laminate why last 'RUN npm ci'", "laminate why --format json"],
  flags: { format: { kind: "string", value: "json", choices: ["json"], summary: "The whole story as JSON" } },
  arguments: { min: 0, max: 2 },
  async run(context, values, [build, step]) {
    const [{ why }, { open }] = await Promise.all([import("../../api/why.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const told = await why(laminate, { ...(build === undefined ? {} : { build }), ...(step === undefined ? {} : { step }) });
    context.stdout.write(values.format === undefined ? printable(await text(told)) : `${JSON.stringify(told, null, 2)}\n`);
    return 0;
  },
});

async function text({ build, groups, cutOff }: Why): Promise<string> {
  const { buildHeading } = await import("../build-heading.ts");
  const lines = [buildHeading(build)];
  if (groups.length === 0) lines.push("No step ran: all were in the cache.");
  for (const { step, cause, taken, followers, cost, files, changedFiles } of groups) {
    lines.push("", `${step.title} ran: ${cause === undefined ? "never built here" : causeText(cause)}`);
    if (step.against !== undefined) lines.push(`  compared with build ${step.against}`);
    if (cause !== undefined) lines.push(...before(cause));
    for (const file of files) lines.push(...(await fileLines(file)));
    if (changedFiles > files.length) lines.push(`  and ${changedFiles - files.length} more files`);
    if (taken !== undefined) lines.push(`  taken from ${taken.step.title}, which ran${taken.root === taken.step ? " too" : ` because of ${taken.root.title}`}`);
    for (const follower of followers) lines.push(`  so ${follower.title} ran, ${seconds(follower.duration)}`);
    lines.push(`  cost: ${seconds(cost)}${followers.length === 0 ? "" : `, ${seconds(step.duration)} of it for the step itself`}`);
  }
  for (const { step, saved, time } of cutOff) {
    lines.push("", `${step.title} gave what it gave before: what follows it did not run for its sake`);
    lines.push(...saved.map(({ title }) => `  so ${title} stayed cached`));
    lines.push(`  saved: ${seconds(time)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** What the sentence left out. */
function before(cause: Cause): string[] {
  if (cause.kind !== "base-image" || cause.otherReference !== undefined) return [];
  return [`  before: ${cause.before ?? "not known"}`, `  now:    ${cause.after ?? "not known"}`];
}

async function fileLines(file: ExplainedFile): Promise<string[]> {
  const { unifiedDiff } = await import("../check/unified-diff.ts");
  const { textBefore, textAfter, path, before: then, after: now } = file;
  const digests = then === undefined || now === undefined || then.content === now.content ? "" : `: ${then.content} -> ${now.content}`;
  const diff = textBefore === undefined || textAfter === undefined ? "" : unifiedDiff(textBefore, textAfter, path);
  return [`  ${changeText(file)}${digests}`, ...diff.split("\n").filter((line) => line !== "").map((line) => `    ${line}`)];
}
