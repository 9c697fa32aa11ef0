import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";
import { stopFlags, stopOptions } from "../stop-flags.ts";

export const command = defineCommand({
  name: "restart",
  summary: "Restart one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate restart hello", "laminate restart -t 2 hello"],
  flags: stopFlags,
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const [{ stop }, { start }] = await Promise.all([import("../../api/stop.ts"), import("../../api/start.ts")]);
    return await eachContainer(context, names, async (laminate, container) => {
      await stop(laminate, { container, ...stopOptions(values) });
      await start(laminate, { container }, { signal: context.signal });
    });
  },
});
