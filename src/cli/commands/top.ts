import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "top",
  summary: "Display the running processes of a container",
  usage: "CONTAINER [ps OPTIONS]",
  examples: ["laminate top hello", "laminate top hello -o pid,comm"],
  flags: {},
  arguments: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, _values, [container, ...options]) {
    const [{ top }, { open }] = await Promise.all([import("../../api/top.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    context.stdout.write(top(laminate, { container: container!, options }));
    return 0;
  },
});
