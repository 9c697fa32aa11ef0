import { resolve } from "node:path";
import { parsePlatform } from "../../oci/platform.ts";
import { familiarReference, parseReference } from "../../oci/reference.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "load",
  summary: "Load images from a tar archive",
  usage: "[OPTIONS]",
  examples: ["laminate load -i test-image.tar", "gzip -dc test-image.tar.gz | laminate load"],
  flags: {
    input: { kind: "string", short: "i", value: "FILE", summary: "Read this archive or OCI image layout directory instead of standard input" },
    platform: { kind: "string", value: "OS/ARCH", summary: "Load this platform of a multi-platform image" },
    quiet: { kind: "boolean", short: "q", summary: "Taken for docker's sake: no progress is shown" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { input, platform: text }) {
    const platform = text === undefined ? undefined : parsePlatform(text);
    if (text !== undefined && platform === undefined) throw new UsageError("bad-value", `invalid argument "${text}" for "--platform" flag: it is written as linux/amd64`);
    if (input === undefined && context.stdin.isTTY) throw new UsageError("conflict", "requested load from stdin, but stdin is a terminal: give -i FILE or redirect");
    const [{ load }, { open }] = await Promise.all([import("../../api/load.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const source = input === undefined ? (context.stdin as AsyncIterable<Buffer>) : resolve(context.cwd, input);
    for (const { record, names } of await load(laminate, { input: source, signal: context.signal, ...(platform === undefined ? {} : { platform }) })) {
      for (const name of names) context.stdout.write(`Loaded image: ${familiarReference(parseReference(name))}\n`);
      if (names.length === 0) context.stdout.write(`Loaded image ID: ${record.id}\n`);
    }
    return 0;
  },
});
