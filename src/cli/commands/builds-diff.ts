import { defineCommand } from "../command.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "builds diff",
  summary: "Show what differs between two builds",
  usage: "[OPTIONS] BUILD BUILD",
  examples: ["laminate builds diff 20260131-1 last", "laminate builds diff --format json 20260131-1 20260131-2"],
  flags: { format: { kind: "string", value: "json", choices: ["json"], summary: "As JSON" } },
  arguments: { min: 2, max: 2 },
  async run(context, values, [before, after]) {
    const [{ buildsDiff }, { open }] = await Promise.all([import("../../api/builds-diff.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const differences = buildsDiff(laminate, before!, after!);
    if (values.format !== undefined) {
      context.stdout.write(`${JSON.stringify(differences, null, 2)}\n`);
      return 0;
    }
    const lines = differences.flatMap(({ title, what, ingredients, files }) => [
      `${title}: ${what}`,
      ...ingredients.map(({ name, before: then, after: now }) => `    ${name}: ${JSON.stringify(then ?? null)} -> ${JSON.stringify(now ?? null)}`),
      ...files.map((file) => `    ${file}`),
    ]);
    context.stdout.write(printable(lines.map((line) => `${line}\n`).join("")));
    return 0;
  },
});
