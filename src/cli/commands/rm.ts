import { defineCommand, type CommandContext } from "../command.ts";

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
    const [{ rm }, { open }] = await Promise.all([import("../../api/rm.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    let failed = false;
    for (const container of names) {
      try {
        await rm(laminate, { container, force: values.force === true });
        context.stdout.write(`${container}\n`);
      } catch (error) {
        failed = true;
        say(context, error);
      }
    }
    return failed ? 1 : 0;
  },
});

/** One container's failure does not keep the others. */
function say({ stderr, signal }: CommandContext, error: unknown): void {
  signal.throwIfAborted();
  stderr.write(`laminate: ${error instanceof Error ? error.message : String(error)}\n`);
}
