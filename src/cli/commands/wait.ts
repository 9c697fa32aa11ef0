import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const command = defineCommand({
  name: "wait",
  summary: "Block until one or more containers stop, then print their exit codes",
  usage: "CONTAINER [CONTAINER...]",
  examples: ["laminate wait hello"],
  flags: {},
  arguments: { min: 1, max: Infinity },
  async run(context, _values, names) {
    const { wait } = await import("../../api/wait.ts");
    return await eachContainer(context, names, async (laminate, container) => `${await wait(laminate, container, context.signal)}`);
  },
});
