import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { parsePlatform } from "../../oci/platform.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "import",
  summary: "Import the contents of a tarball as an image",
  usage: "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
  examples: ["laminate import rootfs.tar.gz my-base:1", "laminate export hello | laminate import -c 'CMD [\"sh\"]' - flat:latest"],
  flags: {
    change: { kind: "list", short: "c", value: "INSTRUCTION", summary: "Apply a Dockerfile instruction to the image's config; may be repeated" },
    message: { kind: "string", short: "m", value: "TEXT", summary: "The comment in the image's history" },
    platform: { kind: "string", value: "OS/ARCH", summary: "Platform of the image, as linux/arm64" },
  },
  arguments: { min: 1, max: 2 },
  async run(context, { change, message, platform: text }, [file, name]) {
    const platform = text === undefined ? undefined : parsePlatform(text);
    if (text !== undefined && platform === undefined) throw new UsageError("bad-value", `invalid argument "${text}" for "--platform" flag: it is written as linux/amd64`);
    if (/^https?:\/\//.test(file!)) throw new UsageError("bad-value", `cannot import from "${file}": download it, and give the file or pipe it to \`laminate import -\``);
    const [{ importImage }, { open }] = await Promise.all([import("../../api/import.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const source = (file === "-" ? context.stdin : createReadStream(resolve(context.cwd, file!), { highWaterMark: 1 << 20 })) as AsyncIterable<Buffer>;
    const epoch = context.env["SOURCE_DATE_EPOCH"];
    const record = await importImage(laminate, {
      source,
      sourceName: file!,
      changes: change,
      created: epoch === undefined || !/^\d+$/.test(epoch) ? Date.now() : Number(epoch) * 1000,
      ...(name === undefined ? {} : { name }),
      ...(message === undefined ? {} : { message }),
      ...(platform === undefined ? {} : { platform }),
    });
    context.stdout.write(`${record.id}\n`);
    return 0;
  },
});
