import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";
import { stopFlags, stopOptions } from "../stop-flags.ts";

export const command = defineCommand({
  name: "stop",
  summary: "Stop one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate stop hello", "laminate stop -t 2 hello"],
  flags: stopFlags,
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const { stop } = await import("../../api/stop.ts");
    return await eachContainer(context, names, (laminate, container) => stop(laminate, { container, ...stopOptions(values) }));
  },
});
