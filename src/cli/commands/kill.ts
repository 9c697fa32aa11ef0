import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const command = defineCommand({
  name: "kill",
  summary: "Kill one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate kill hello", "laminate kill -s HUP hello"],
  flags: {
    signal: { kind: "string", short: "s", value: "SIGNAL", summary: "The signal to send (default: KILL)" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const { kill } = await import("../../api/kill.ts");
    return await eachContainer(context, names, (laminate, container) => kill(laminate, { container, signal: values.signal ?? "KILL" }));
  },
});
