import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "cp",
  summary: "Copy files between a container and this machine",
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       laminate cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  examples: ["laminate cp hello:/app/server.py .", "laminate cp page.html hello:/app/static/", "laminate cp hello:/var/log - | tar -t"],
  flags: {
    archive: { kind: "boolean", short: "a", summary: "Keep owners" },
    followLink: { kind: "boolean", short: "L", summary: "Copy what a symbolic link in SRC_PATH names" },
    quiet: { kind: "boolean", short: "q", summary: "Accepted as docker's; nothing is printed either way" },
  },
  arguments: { min: 2, max: 2 },
  async run(context, values, [from, to]) {
    const [source, destination] = [place(from!), place(to!)];
    const flags = { archive: values.archive === true, followLink: values.followLink === true };
    if (source.container !== undefined && destination.container !== undefined) throw new UsageError("conflict", "copying between containers is not supported");
    const [{ copyFromContainer, copyToContainer }, { open }] = await Promise.all([import("../../api/cp.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    if (source.container !== undefined) {
      if (destination.path === "-" && context.stdout.isTTY) throw new UsageError("conflict", "cowardly refusing to write an archive to a terminal: redirect it");
      await copyFromContainer(laminate, { container: source.container, path: source.path, ...flags, to: destination.path === "-" ? context.stdout : local(context.cwd, destination.path) }, context.signal);
    } else if (destination.container !== undefined) {
      await copyToContainer(laminate, { container: destination.container, path: destination.path, ...flags, from: source.path === "-" ? context.stdin : local(context.cwd, source.path) }, context.signal);
    } else {
      throw new UsageError("conflict", "must specify at least one container source: CONTAINER:PATH");
    }
    return 0;
  },
});

/** `CONTAINER:PATH`, or a path here when it starts as one (`./a:b`, `/a:b`). */
function place(text: string): { readonly container?: string; readonly path: string } {
  const colon = text.indexOf(":");
  return colon <= 0 || /^[./]/.test(text) ? { path: text } : { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** Absolute, its ending kept, which says what is meant: `/`, `/.`. */
function local(cwd: string, text: string): string {
  const ending = /(?:^|\/)\.$/.test(text) ? "/." : text.endsWith("/") ? "/" : "";
  return resolve(cwd, text) + ending;
}
