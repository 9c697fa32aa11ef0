import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ImageMountMemory, wantedSnapshots } from "./image-mounts.ts";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "laminate-image-mounts-"))));
afterEach(() => rmSync(root, { recursive: true }));

test("LAMINATE_SNAPSHOTS leaves the choice to the machine when it is empty, and an unknown word is refused with the nearest", () => {
  expect([wantedSnapshots({}), wantedSnapshots({ LAMINATE_SNAPSHOTS: "" }), wantedSnapshots({ LAMINATE_SNAPSHOTS: "directory" })]).toEqual([undefined, undefined, "directory"]);
  expect(() => wantedSnapshots({ LAMINATE_SNAPSHOTS: "erosf" })).toThrow(expect.objectContaining({ code: "bad-setting", message: 'LAMINATE_SNAPSHOTS="erosf": expected "directory" or "erofs"', hint: 'did you mean "erofs"?' }));
});

test("what was found is remembered until the machine is started again", () => {
  expect(new ImageMountMemory(root).recall()).toBeUndefined();
  new ImageMountMemory(root).note("the kernel has no EROFS");
  expect(new ImageMountMemory(root).recall()).toBe("the kernel has no EROFS");
  new ImageMountMemory(root).note(null);
  expect(new ImageMountMemory(root).recall()).toBeNull();
  const file = join(root, "image-mounts.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(/"boot":"[^"]*"/, '"boot":"another"'));
  expect(new ImageMountMemory(root).recall()).toBeUndefined();
});

test("a store that cannot be written costs a new try, no failure", () => {
  expect(new ImageMountMemory(join(root, "nowhere")).note(null)).toBeNull();
  expect(new ImageMountMemory(join(root, "nowhere")).recall()).toBeUndefined();
});
