import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, writeFiles } from "../../testing/builds.ts";

/* After an edit a large COPY is its old layer with a small one over it; whoever looks sees what a cold build would give. */

const warm = new BuildRig();
const cold = new BuildRig();
beforeAll(async () => {
  if (BUSYBOX !== undefined) await Promise.all([warm.busybox(), cold.busybox()]);
});
afterAll(async () => {
  await Promise.all([warm, cold].map((rig) => rig[Symbol.asyncDispose]()));
});

const DOCKERFILE = `FROM busybox
COPY top /
RUN busybox find /tree -print0 | busybox sort -z | busybox xargs -0 busybox stat -c '%n %f %u:%g %Y %N' > /seen && busybox find /tree -type f -print0 | busybox sort -z | busybox xargs -0 busybox md5sum >> /seen
`;

const EDITS: readonly (readonly [what: string, edit: (tree: string) => void])[] = [
  ["a file's content", (tree) => writeFileSync(path.join(tree, "a/file"), "another")],
  ["another's, and the first again", (tree) => ["a/file", "a/b/deep"].forEach((name) => writeFileSync(path.join(tree, name), "third"))],
  ["a file's mode", (tree) => chmodSync(path.join(tree, "run.sh"), 0o755)],
  ["a directory's time", (tree) => utimesSync(path.join(tree, "a/b"), 1_000_000_000, 1_000_000_000)],
  ["a new file in a new directory", (tree) => writeFiles(tree, { "new/of/it": "new" })],
  ["a link where a file was", (tree) => (rmSync(path.join(tree, "run.sh")), symlinkSync("a/file", path.join(tree, "run.sh")))],
  ["a file that is gone", (tree) => rmSync(path.join(tree, "new/of/it"))],
  ["a directory where a file was", (tree) => (rmSync(path.join(tree, "a/file")), mkdirSync(path.join(tree, "a/file")), writeFileSync(path.join(tree, "a/file/in"), "it"))],
  ["a file where a directory was", (tree) => (rmSync(path.join(tree, "new"), { recursive: true }), writeFileSync(path.join(tree, "new"), "file"))],
];

/** How many layers of the store are an earlier one with a small directory over it. */
function deltas(): number {
  const place = path.join(warm.root, "layers");
  return readdirSync(place).filter((layer) => readdirSync(path.join(place, layer)).some((name) => name.startsWith("delta."))).length;
}

describe.skipIf(BUSYBOX === undefined)("a large COPY after an edit", { timeout: 180_000 }, () => {
  test.each(["directory", undefined])("with layers as %s", async (snapshots) => {
    if (snapshots !== undefined) process.env["LAMINATE_SNAPSHOTS"] = snapshots;
    try {
      const directory = warm.context({ Dockerfile: DOCKERFILE, "top/tree/run.sh": "x", "top/tree/a/file": "one", "top/tree/a/b/deep": "d", "top/tree/big": Buffer.alloc(5 << 20, `${snapshots}`) });
      await warm.ok(["build", "-q", "--network=none", "-t", "edited", directory]);
      const before = deltas();
      for (const [what, edit] of EDITS) {
        edit(path.join(directory, "top/tree"));
        const seen: string[] = [];
        for (const rig of [warm, cold]) {
          await rig.ok(["build", "-q", "--network=none", "-t", "edited", directory]);
          const image = await rig.saved("edited");
          seen.push(`${image.text("seen")} ${image.config.rootfs.diff_ids[1]}`);
        }
        expect(seen[0], what).toBe(seen[1]);
      }
      expect(deltas() - before).toBeGreaterThanOrEqual(5);
    } finally {
      delete process.env["LAMINATE_SNAPSHOTS"];
    }
  });
});
