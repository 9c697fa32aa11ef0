import { defineCommand } from "../command.ts";
import { seconds } from "../format.ts";
import { jsonOnly } from "../json-only.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "builds show",
  summary: "Show what became of each step of a build",
  usage: "[OPTIONS] [BUILD]",
  examples: ["laminate builds show", "laminate builds show test-image", "laminate builds show --format json 20260131-1"],
  flags: { format: { kind: "string", value: "json", summary: "All that is kept of it, as JSON" } },
  arguments: { min: 0, max: 1 },
  async run(context, values, [wanted]) {
    jsonOnly(values.format);
    const [{ findBuild }, { buildHeading }, { causeText }, { open }] = await Promise.all([import("../../api/builds.ts"), import("../build-heading.ts"), import("../../explain/cause.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const build = findBuild(laminate, wanted);
    if (values.format !== undefined) {
      context.stdout.write(`${JSON.stringify(build, null, 2)}\n`);
      return 0;
    }
    const lines = build.steps.map(({ title, outcome, duration, cause, from }) => `${outcome.padEnd(6)} ${seconds(duration).padStart(7)}  ${title}${from === undefined ? "" : `, from ${from}`}${cause === undefined ? "" : `\n${" ".repeat(16)}${causeText(cause)}`}`);
    context.stdout.write(printable([buildHeading(build), ...lines, ...(build.error === undefined ? [] : [build.error]), ""].join("\n")));
    return 0;
  },
});
