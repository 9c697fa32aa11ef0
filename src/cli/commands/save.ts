import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "save",
  summary: "Save one or more images to a tar archive",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  examples: ["laminate save -o test-image.tar test-image", "laminate save test-image | gzip > test-image.tar.gz", "laminate save --format oci-dir -o layout test-image"],
  flags: {
    output: { kind: "string", short: "o", value: "FILE", summary: "Write to this file (oci-dir: directory) instead of standard output" },
    format: { kind: "string", value: "FORMAT", choices: ["docker-archive", "oci-archive", "oci-dir"], summary: "docker-archive (default), oci-archive or oci-dir" },
    compression: { kind: "string", value: "KIND", choices: ["none", "gzip", "zstd"], summary: "Of the layers: none, gzip or zstd (default: none in a docker archive, gzip else)" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, values, images) {
    const format = values.format ?? "docker-archive";
    const compression = values.compression ?? (format === "docker-archive" ? "none" : "gzip");
    if (values.output === undefined && (format === "oci-dir" || context.stdout.isTTY)) {
      throw new UsageError("conflict", format === "oci-dir" ? "--format oci-dir needs a directory: -o DIRECTORY" : "cowardly refusing to save to a terminal: use the -o flag or redirect");
    }
    const [{ save }, { open }] = await Promise.all([import("../../api/save.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const output = values.output === undefined ? context.stdout : resolve(context.cwd, values.output);
    await save(laminate, { images, format, compression, output, signal: context.signal });
    return 0;
  },
});
