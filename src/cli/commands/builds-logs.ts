import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "builds logs",
  summary: "Show again what a build and its steps said",
  usage: "[BUILD]",
  examples: ["laminate builds logs", "laminate builds logs 20260131-1"],
  flags: {},
  arguments: { min: 0, max: 1 },
  /** As `build --progress=plain` showed it. */
  async run(context, _values, [id]) {
    const [{ buildLog }, { PlainRenderer }, { open }] = await Promise.all([import("../../api/build-log.ts"), import("../render/plain.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const renderer = new PlainRenderer({ write: (text) => context.stdout.write(text), clock: Date.now });
    for await (const event of buildLog(laminate, id)) renderer.events(event);
    renderer.cancel();
    return 0;
  },
});
