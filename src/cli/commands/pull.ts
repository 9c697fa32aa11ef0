import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "pull",
  summary: "Download an image from a registry",
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  examples: ["laminate pull localhost:5000/me/test-image:1", "laminate pull --platform linux/arm64 debian:bookworm"],
  flags: {
    platform: { kind: "string", value: "OS/ARCH", summary: "Pull this platform of a multi-platform image" },
    quiet: { kind: "boolean", short: "q", summary: "Print the name and nothing else" },
    insecure: { kind: "boolean", summary: "Accept plain HTTP and unknown certificates" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, { platform, quiet, insecure }, [name]) {
    const { parseReference, familiarReference } = await import("../../oci/reference.ts");
    const reference = parseReference(name!);
    const [{ TransferDisplay }, { pull }, { open }] = await Promise.all([import("../render/transfer.ts"), import("../../api/pull.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const { stdout, stderr, env, signal } = context;
    if (quiet !== true) {
      if (!/[:@]/.test(name!.slice(name!.lastIndexOf("/") + 1))) stdout.write(`Using default tag: latest\n`);
      stdout.write(`${reference.tag ?? reference.digest}: Pulling from ${reference.repository}\n`);
    }
    const display = new TransferDisplay({ out: stdout, err: stderr, env, words: { going: "Downloading", done: "Pull complete" }, quiet: quiet === true });
    try {
      const options = { reference: name!, insecure: insecure === true, ...(platform === undefined ? {} : { platform }) };
      const { digest, fresh } = await pull(laminate, options, { events: display.events, signal });
      display.end();
      if (quiet !== true) {
        stdout.write(`Digest: ${digest}\nStatus: ${fresh ? "Downloaded newer image" : "Image is up to date"} for ${familiarReference(reference)}\n`);
      }
    } catch (error) {
      display.end();
      throw error;
    }
    stdout.write(`${reference.registry}/${reference.repository}${reference.tag === undefined ? "" : `:${reference.tag}`}${reference.digest === undefined ? "" : `@${reference.digest}`}\n`);
    return 0;
  },
});
