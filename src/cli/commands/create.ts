import { defineCommand } from "../command.ts";
import { pullHooks } from "../pull-hooks.ts";
import { UNSUPPORTED_BY_RUN } from "../unsupported-by-run.ts";
import { containerFlags, requestOf } from "./run.ts";

export const command = defineCommand({
  name: "create",
  summary: "Create a new container from an image, without starting it",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  examples: ["laminate create --name hello test-image && laminate start -a hello", "id=$(laminate create test-image) && laminate cp $id:/app - >app.tar && laminate rm $id"],
  flags: containerFlags,
  unsupported: UNSUPPORTED_BY_RUN,
  arguments: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, values, [image, ...words]) {
    const request = await requestOf(context, values, image!, words);
    const [{ create }, { open }] = await Promise.all([import("../../api/create.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    // Who starts it later in the foreground feeds it, and closes its standard input.
    const { id } = await create(laminate, { ...request, attach: true }, await pullHooks(context, values));
    context.stdout.write(`${id}\n`);
    return 0;
  },
});
