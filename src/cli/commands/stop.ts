import { defineCommand, type CommandContext } from "../command.ts";

export const command = defineCommand({
  name: "stop",
  summary: "Stop one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate stop hello", "laminate stop -t 2 hello"],
  flags: {
    time: { kind: "number", short: "t", value: "SECONDS", summary: "How long to wait before it is killed (default: 10)" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const [{ stop }, { open }] = await Promise.all([import("../../api/stop.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    let failed = false;
    for (const container of names) {
      try {
        await stop(laminate, { container, seconds: values.time ?? 10 });
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
