import { Failure, reasonOf } from "../../base/failure.ts";
import { LowerMounts } from "../../sandbox/lower-mounts.ts";
import { mountOverlay } from "../../sandbox/overlay.ts";
import { changeRoot } from "../../sys/files.ts";
import type { FilesAction, FilesFailure, FilesPlan } from "../files/action.ts";
import { copyDestination, copySource } from "../files/destination.ts";
import { packTree } from "../files/pack-tree.ts";
import { placeTree } from "../files/place-tree.ts";

/**
 * Runs where a container's files can be seen and all of its ids be given. Before it touches a file it makes the
 * container's root its own: whatever links the container has made, or makes meanwhile, they stay inside.
 */
async function work({ action, root, lowers, mounts, ...place }: FilesPlan): Promise<void> {
  changeRoot(root ?? mountOverlay({ ...place, ...new LowerMounts(mounts).stack(lowers) }).merged);
  const input = process.stdin as AsyncIterable<Buffer>;
  switch (action.kind) {
    case "export":
      return send(packTree("/", ""));
    case "pack": {
      const { path, base } = copySource(fromRoot(action), action.followLink);
      return send(packTree(path, base));
    }
    case "place": {
      const { base, contents } = action;
      const target = (top: { readonly type: string }) => copyDestination(fromRoot(action), { base, contents, directory: top.type === "directory" });
      return placeTree(input, { target, owners: action.owners ? "given" : "root" });
    }
    case "unpack":
      return placeTree(input, { target: copyDestination(`${fromRoot(action)}/.`, { base: ".", contents: true, directory: true }), owners: "given" });
  }
}

function fromRoot({ path }: Extract<FilesAction, { readonly path: string }>): string {
  return path.startsWith("/") ? path : `/${path}`;
}

async function send(tar: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of tar) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}

if (import.meta.main) void main();

async function main(): Promise<void> {
  process.stdout.on("error", () => process.exit(1)); // nobody reads it any more
  try {
    await work(JSON.parse(process.argv[2]!) as FilesPlan);
  } catch (error) {
    const failure: FilesFailure = { code: error instanceof Failure ? error.code : "copy-failed", message: reasonOf(error) };
    process.stderr.write(`\n${JSON.stringify(failure)}\n`);
    process.exitCode = 1;
  }
}
