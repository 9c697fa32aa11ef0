import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "rename",
  summary: "Rename a container",
  usage: "CONTAINER NEW_NAME",
  examples: ["laminate rename hello goodbye"],
  flags: {},
  arguments: { min: 2, max: 2 },
  async run(context, _values, [container, name]) {
    const [{ rename }, { open }] = await Promise.all([import("../../api/rename.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    rename(laminate, { container: container!, name: name! });
    return 0;
  },
});
