import { defineCommand, type CommandContext } from "../command.ts";
import type { Laminate } from "../../api/laminate.ts";

interface Wanted {
  readonly platform?: string;
  readonly insecure: boolean;
  readonly quiet: boolean;
}

export const command = defineCommand({
  name: "pull",
  summary: "Download an image from a registry",
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  examples: ["laminate pull localhost:5000/me/test-image:1", "laminate pull --platform linux/arm64 debian:bookworm", "laminate pull -a localhost:5000/me/test-image"],
  flags: {
    "all-tags": { kind: "boolean", short: "a", summary: "Download all tagged images of the repository" },
    platform: { kind: "string", value: "OS/ARCH", summary: "Pull this platform of a multi-platform image" },
    quiet: { kind: "boolean", short: "q", summary: "Print the name and nothing else" },
    insecure: { kind: "boolean", summary: "Accept plain HTTP and unknown certificates" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, { "all-tags": all, platform, quiet, insecure }, [name]) {
    const { parseReference, canonicalReference } = await import("../../oci/reference.ts");
    const reference = parseReference(name!);
    const { open } = await import("../open-laminate.ts");
    await using laminate = await open(context);
    const wanted = { insecure: insecure === true, quiet: quiet === true, ...(platform === undefined ? {} : { platform }) };
    if (all !== true) {
      if (!wanted.quiet && !/[:@]/.test(name!.slice(name!.lastIndexOf("/") + 1))) context.stdout.write("Using default tag: latest\n");
      await pullOne(context, laminate, name!, wanted);
      context.stdout.write(`${canonicalReference(reference)}\n`);
      return 0;
    }
    const { tagsThere } = await import("../../api/all-tags.ts");
    for (const each of await tagsThere(laminate, { repository: name!, insecure: wanted.insecure }, context.signal)) {
      await pullOne(context, laminate, each, wanted);
    }
    context.stdout.write(`${reference.registry}/${reference.repository}\n`);
    return 0;
  },
});

/** Pulls one image and shows it; with `quiet`, only warnings. */
async function pullOne({ stdout, stderr, env, signal }: CommandContext, laminate: Laminate, name: string, { quiet, ...wanted }: Wanted): Promise<void> {
  const [{ TransferDisplay }, { pull }, { parseReference, familiarReference }] = await Promise.all([import("../render/transfer.ts"), import("../../api/pull.ts"), import("../../oci/reference.ts")]);
  const reference = parseReference(name);
  if (!quiet) stdout.write(`${reference.tag ?? reference.digest}: Pulling from ${reference.repository}\n`);
  const display = new TransferDisplay({ out: stdout, err: stderr, env, words: { going: "Downloading", done: "Pull complete" }, quiet });
  try {
    const { digest, fresh } = await pull(laminate, { reference: name, ...wanted }, { events: display.events, signal });
    display.end();
    if (!quiet) stdout.write(`Digest: ${digest}\nStatus: ${fresh ? "Downloaded newer image" : "Image is up to date"} for ${familiarReference(reference)}\n`);
  } catch (error) {
    display.end();
    throw error;
  }
}
