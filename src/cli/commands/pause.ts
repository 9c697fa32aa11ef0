import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const command = defineCommand({
  name: "pause",
  summary: "Pause all processes within one or more containers",
  usage: "CONTAINER [CONTAINER...]",
  examples: ["laminate pause hello"],
  flags: {},
  arguments: { min: 1, max: Infinity },
  async run(context, _values, names) {
    const { pause } = await import("../../api/pause.ts");
    return await eachContainer(context, names, (laminate, container) => pause(laminate, { container, paused: true }));
  },
});
