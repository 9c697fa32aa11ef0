import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";

export const command = defineCommand({
  name: "rm",
  summary: "Remove one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate rm hello", "laminate rm -f hello"],
  flags: {
    force: { kind: "boolean", short: "f", summary: "Kill a container that runs" },
    volumes: { kind: "boolean", short: "v", summary: "Taken for docker's sake: a container's own volumes always go with it" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const { rm } = await import("../../api/rm.ts");
    return await eachContainer(context, names, (laminate, container) => rm(laminate, { container, force: values.force === true }));
  },
});
