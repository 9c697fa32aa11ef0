import type { RecordedReads } from "../../explain/build-record.ts";
import { defineCommand } from "../command.ts";
import { seconds } from "../format.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "builds show",
  summary: "Show what became of each step of a build",
  usage: "[OPTIONS] [BUILD]",
  examples: ["laminate builds show", "laminate builds show test-image", "laminate builds show --format json 20260131-1"],
  flags: { format: { kind: "string", value: "json", choices: ["json"], summary: "All that is kept of it, as JSON" } },
  arguments: { min: 0, max: 1 },
  async run(context, values, [wanted]) {
    const [{ findBuild }, { buildHeading }, { causeText }, { open }] = await Promise.all([import("../../api/builds.ts"), import("../build-heading.ts"), import("../../explain/cause.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const build = findBuild(laminate, wanted);
    if (values.format !== undefined) {
      context.stdout.write(`${JSON.stringify(build, null, 2)}\n`);
      return 0;
    }
    const indent = `\n${" ".repeat(16)}`;
    const lines = build.steps.map(({ title, outcome, duration, cause, from, reads }) => `${outcome.padEnd(6)} ${seconds(duration).padStart(7)}  ${title}${from === undefined ? "" : `, from ${from}`}${cause === undefined ? "" : `${indent}${causeText(cause)}`}${reads === undefined ? "" : `${indent}${readsText(reads)}`}`);
    context.stdout.write(printable([buildHeading(build), ...lines, ...(build.error === undefined ? [] : [build.error]), ""].join("\n")));
    return 0;
  },
});

const MOST_NAMED = 8;

/** What a RUN opened, in one line. */
function readsText(reads: RecordedReads): string {
  if ("reason" in reads) return `what it read is not known: ${reads.reason}`;
  const files = Object.values(reads.of).flatMap((one) => one.files);
  const rest = files.length + reads.left - Math.min(files.length, MOST_NAMED);
  const named = files.length === 0 ? "no file of another step" : `${files.slice(0, MOST_NAMED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  return `read ${named}, and ${reads.base === 1 ? "1 file" : `${reads.base} files`} of its base`;
}
