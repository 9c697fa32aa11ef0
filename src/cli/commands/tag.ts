import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "tag",
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  examples: ["laminate tag test-image localhost:5000/me/test-image:1"],
  flags: {},
  arguments: { min: 2, max: 2 },
  async run(context, _values, [source, target]) {
    const [{ tag }, { open }] = await Promise.all([import("../../api/tag.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    await tag(laminate, { source: source!, target: target! });
    return 0;
  },
});
