import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "export",
  summary: "Export a container's file system as a tar archive",
  usage: "[OPTIONS] CONTAINER",
  examples: ["laminate export -o hello.tar hello", "laminate export hello | tar -t"],
  flags: {
    output: { kind: "string", short: "o", value: "FILE", summary: "Write to this file instead of standard output" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, values, [container]) {
    if (values.output === undefined && context.stdout.isTTY) {
      throw new UsageError("conflict", "cowardly refusing to save to a terminal: use the -o flag or redirect");
    }
    const [{ exportContainer }, { open }] = await Promise.all([import("../../api/export.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    await exportContainer(laminate, { container: container!, output: values.output === undefined ? context.stdout : resolve(context.cwd, values.output) }, context.signal);
    return 0;
  },
});
