import { familiarReference, parseReference } from "../../oci/reference.ts";
import { defineCommand } from "../command.ts";
import { progress } from "../progress-flag.ts";

export const command = defineCommand({
  name: "base",
  summary: "Make a base image from a distribution's signed packages",
  usage: "[OPTIONS] NAME[:SUITE]",
  examples: ["laminate base debian:bookworm", "laminate base ubuntu:24.04", "laminate base busybox"],
  flags: {
    tag: { kind: "list", short: "t", value: "NAME[:TAG]", summary: "Name the image so instead; may be repeated" },
    quiet: { kind: "boolean", short: "q", summary: "Print the image ID and nothing else" },
    progress,
  },
  arguments: { min: 1, max: 1 },
  async run(context, { tag, quiet, progress: mode }, [name]) {
    const [{ base }, { chooseRenderer }, { open }] = await Promise.all([import("../../api/base.ts"), import("../render/choose-renderer.ts"), import("../open-laminate.ts")]);
    const renderer = await chooseRenderer({ progress: mode, quiet: quiet === true, env: context.env, stderr: context.stderr, clock: Date.now });
    try {
      await using laminate = await open(context);
      renderer.events({ type: "plan", steps: [{ id: 1, name: `base ${name}` }], time: Date.now() });
      const record = await base(laminate, { name: name!, tags: tag, env: context.env }, { events: renderer.events, signal: context.signal });
      renderer.succeed({ id: record.id, stored: true, names: (tag.length > 0 ? tag : [name!]).map((each) => familiarReference(parseReference(each))) });
      if (quiet === true) context.stdout.write(`${record.id}\n`);
      return 0;
    } catch (error) {
      if (context.signal.aborted) renderer.cancel();
      else renderer.fail();
      throw error;
    }
  },
});
