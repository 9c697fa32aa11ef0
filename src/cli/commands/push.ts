import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "push",
  summary: "Upload an image to a registry",
  usage: "[OPTIONS] NAME[:TAG]",
  examples: ["laminate push localhost:5000/me/test-image:1"],
  flags: {
    quiet: { kind: "boolean", short: "q", summary: "Print the name and nothing else" },
    insecure: { kind: "boolean", summary: "Accept plain HTTP and unknown certificates" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, { quiet, insecure }, [name]) {
    const { parseReference, canonicalReference } = await import("../../oci/reference.ts");
    const reference = parseReference(name!);
    const [{ TransferDisplay }, { push }, { open }] = await Promise.all([import("../render/transfer.ts"), import("../../api/push.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const { stdout, stderr, env, signal } = context;
    if (quiet !== true) {
      if (!name!.slice(name!.lastIndexOf("/") + 1).includes(":")) stdout.write("Using default tag: latest\n");
      stdout.write(`The push refers to repository [${reference.registry}/${reference.repository}]\n`);
    }
    const display = new TransferDisplay({ out: stdout, err: stderr, env, words: { going: "Pushing", done: "Pushed" }, quiet: quiet === true });
    try {
      const { tag, digest, size } = await push(laminate, { reference: name!, insecure: insecure === true }, { events: display.events, signal });
      display.end();
      stdout.write(quiet === true ? `${canonicalReference(reference)}\n` : `${tag}: digest: ${digest} size: ${size}\n`);
    } catch (error) {
      display.end();
      throw error;
    }
    return 0;
  },
});
