import { defineCommand, type CommandContext } from "../command.ts";
import type { Laminate } from "../../api/laminate.ts";

export const command = defineCommand({
  name: "push",
  summary: "Upload an image to a registry",
  usage: "[OPTIONS] NAME[:TAG]",
  examples: ["laminate push localhost:5000/me/test-image:1", "laminate push -a localhost:5000/me/test-image"],
  flags: {
    "all-tags": { kind: "boolean", short: "a", summary: "Push all tags of the repository" },
    quiet: { kind: "boolean", short: "q", summary: "Print the name and nothing else" },
    insecure: { kind: "boolean", summary: "Accept plain HTTP and unknown certificates" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, { "all-tags": all, quiet, insecure }, [name]) {
    const { parseReference } = await import("../../oci/reference.ts");
    const reference = parseReference(name!);
    const [{ open }, { tagsHere }] = await Promise.all([import("../open-laminate.ts"), import("../../api/all-tags.ts")]);
    await using laminate = await open(context);
    const names = all === true ? tagsHere(laminate, name!) : [name!];
    if (quiet !== true) {
      if (all !== true && !name!.slice(name!.lastIndexOf("/") + 1).includes(":")) context.stdout.write("Using default tag: latest\n");
      context.stdout.write(`The push refers to repository [${reference.registry}/${reference.repository}]\n`);
    }
    for (const each of names) await pushOne(context, laminate, each, { insecure: insecure === true, quiet: quiet === true });
    return 0;
  },
});

/** Pushes one image and shows it. */
async function pushOne({ stdout, stderr, env, signal }: CommandContext, laminate: Laminate, name: string, { insecure, quiet }: { readonly insecure: boolean; readonly quiet: boolean }): Promise<void> {
  const [{ TransferDisplay }, { push }, { parseReference, canonicalReference }] = await Promise.all([import("../render/transfer.ts"), import("../../api/push.ts"), import("../../oci/reference.ts")]);
  const display = new TransferDisplay({ out: stdout, err: stderr, env, words: { going: "Pushing", done: "Pushed" }, quiet });
  try {
    const { tag, digest, size } = await push(laminate, { reference: name, insecure }, { events: display.events, signal });
    display.end();
    stdout.write(quiet ? `${canonicalReference(parseReference(name))}\n` : `${tag}: digest: ${digest} size: ${size}\n`);
  } catch (error) {
    display.end();
    throw error;
  }
}
