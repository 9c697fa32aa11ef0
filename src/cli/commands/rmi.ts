import { Failure } from "../../base/failure.ts";
import { defineCommand } from "../command.ts";
import { errorLines } from "../error-lines.ts";

export const command = defineCommand({
  name: "rmi",
  summary: "Remove one or more images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  examples: ["laminate rmi test-image", "laminate rmi -f $(laminate images -q)"],
  flags: {
    force: { kind: "boolean", short: "f", summary: "Remove also what stopped containers use, and all names of an ID" },
    "no-prune": { kind: "boolean", summary: "Taken for docker's sake: there are no untagged parents" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, { force }, images) {
    const [{ rmi }, { open }] = await Promise.all([import("../../api/rmi.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    let failed = false;
    for (const image of images) {
      try {
        for (const removal of await rmi(laminate, { image, force: force === true })) {
          context.stdout.write("untagged" in removal ? `Untagged: ${removal.untagged}\n` : `Deleted: ${removal.deleted}\n`);
        }
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        // As docker: the other images are removed all the same; what is not there is no failure when forced.
        context.stderr.write(errorLines(error));
        failed ||= !(force === true && error.code === "no-such-image");
      }
    }
    return failed ? 1 : 0;
  },
});
