import { defineCommand, type CommandContext } from "../command.ts";

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
    const [{ kill }, { open }] = await Promise.all([import("../../api/kill.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    let failed = false;
    for (const container of names) {
      try {
        kill(laminate, { container, signal: values.signal ?? "KILL" });
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
