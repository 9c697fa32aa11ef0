import { expect, test } from "vitest";
import type { BytePath } from "../../base/byte-path.ts";
import { digestOf, type DiffId } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";
import { LayerIndex } from "./layer-index.ts";
import { Tree } from "./tree.ts";

function entry(path: string, type: Entry["type"] = "file", more: Partial<Entry> = {}): Entry {
  return { path: path as BytePath, type, mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0n, ...more };
}

function treeOf(...layers: Entry[][]): Tree {
  return new Tree(layers.map((entries, at) => ({ diffId: digestOf(String(at)) as DiffId, index: new LayerIndex(entries) })));
}

function paths(tree: Tree): string[] {
  return [...tree.walk()].map((found) => found.entry.path);
}

test("an upper layer's file replaces a lower one's", () => {
  const tree = treeOf([entry("a")], [entry("a", "file", { size: 5 })]);
  expect(tree.get("a" as BytePath)?.entry.size).toBe(5);
});

test("a whiteout deletes the path and all below it", () => {
  expect(paths(treeOf([entry("d", "directory"), entry("d/f"), entry("e")], [entry("d", "whiteout")]))).toEqual(["e"]);
});

test("an opaque directory hides what lies below and keeps what its own layer puts there", () => {
  const tree = treeOf([entry("d", "directory"), entry("d/old")], [entry("d", "directory", { opaque: true }), entry("d/new")]);
  expect(paths(tree)).toEqual(["d", "d/new"]);
});

test("a file in a directory's place takes its children away", () => {
  expect(paths(treeOf([entry("d", "directory"), entry("d/f")], [entry("d")]))).toEqual(["d"]);
});

test("a path is followed through symlinks and never leaves the tree", () => {
  const tree = treeOf([entry("bin", "symlink", { link: "usr/bin" }), entry("up", "symlink", { link: "../../.." }), entry("usr", "directory"), entry("usr/bin", "directory")]);
  expect(tree.resolve("/bin/sh").path).toBe("usr/bin/sh");
  expect(tree.resolve("/up/up/etc").path).toBe("etc");
});

test("a loop of symlinks is refused", () => {
  expect(() => treeOf([entry("a", "symlink", { link: "b" }), entry("b", "symlink", { link: "a" })]).resolve("/a")).toThrow(/too many symbolic links/);
});

test("a hard link leads to its own layer's file even when a later layer replaced that", () => {
  const tree = treeOf([entry("a", "file", { size: 1 }), entry("b", "hardlink", { link: "a" })], [entry("a", "file", { size: 2 })]);
  expect(tree.hardLinkTarget(tree.get("b" as BytePath)!).entry.size).toBe(1);
});
