import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "builds rm",
  summary: "Forget builds; what they made stays",
  usage: "BUILD... | --all",
  examples: ["laminate builds rm 20260131-1", "laminate builds rm --all"],
  flags: { all: { kind: "boolean", short: "a", summary: "All builds" } },
  arguments: { min: 0, max: Infinity },
  async run(context, values, wanted) {
    if ((values.all === true) === wanted.length > 0) throw new UsageError("arguments", "'laminate builds rm' takes the IDs of builds, or --all", { hint: "Run 'laminate builds' for the IDs" });
    const [{ removeBuilds }, { open }] = await Promise.all([import("../../api/builds.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    for (const id of removeBuilds(laminate, values.all === true ? "all" : wanted)) context.stdout.write(`${id}\n`);
    return 0;
  },
});
