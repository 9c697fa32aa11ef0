import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const command = defineCommand({
  name: "restart",
  summary: "Restart one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate restart hello", "laminate restart -t 2 hello"],
  flags: {
    signal: { kind: "string", short: "s", value: "SIGNAL", summary: "The signal to send (default: the container's own, else TERM)" },
    time: { kind: "number", short: "t", value: "SECONDS", summary: "How long to wait before it is killed; -1 is for ever (default: the container's own, else 10)" },
    timeout: { kind: "number", value: "SECONDS", summary: "As --time" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const [{ stop }, { start }] = await Promise.all([import("../../api/stop.ts"), import("../../api/start.ts")]);
    const { signal, time, timeout } = values;
    const seconds = timeout ?? time;
    return await eachContainer(context, names, async (laminate, container) => {
      await stop(laminate, { container, ...(seconds === undefined ? {} : { seconds }), ...(signal === undefined ? {} : { signal }) });
      await start(laminate, { container }, { signal: context.signal });
    });
  },
});
