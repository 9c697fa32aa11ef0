import fc from "fast-check";
import { expect, test } from "vitest";
import { parentPath, type BytePath } from "../../base/byte-path.ts";
import { digestOf, type DiffId } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";
import { LayerIndex } from "./layer-index.ts";
import { type ComparedLayers, sameTree } from "./same-tree.ts";
import { Tree } from "./tree.ts";

/* Stacks of layers that differ and hold the same tree all the same: what a RUN needs of its base. */

const PATHS = ["a", "a/b", "a/b/c", "a/d", "e", "e/f"] as BytePath[];
type Choice = "none" | "one" | "two" | "directory" | "locked" | "opaque" | "whiteout";
const CHOICES: readonly Choice[] = ["none", "none", "one", "two", "directory", "locked", "opaque", "whiteout"];

function entryOf(path: BytePath, choice: Exclude<Choice, "none">): Entry {
  const plain = { path, uid: 0, gid: 0, size: 0, mtime: 0n };
  switch (choice) {
    case "one":
    case "two":
      return { ...plain, type: "file", mode: 0o644, size: 3, digest: digestOf(choice) };
    case "whiteout":
      return { ...plain, type: "whiteout", mode: 0 };
    default:
      return { ...plain, type: "directory", mode: choice === "locked" ? 0o700 : 0o755, ...(choice === "opaque" ? { opaque: true as const } : {}) };
  }
}

/** A layer that a builder could have made: nothing lies below what is no directory, and each directory is named. */
function layerOf(choices: readonly Choice[]): LayerIndex {
  const entries = new Map<BytePath, Entry>();
  for (const [place, choice] of choices.entries()) {
    const path = PATHS[place]!;
    const parent = parentPath(path);
    if (choice === "none" || (parent !== "" && entries.get(parent)?.type !== "directory")) continue;
    entries.set(path, entryOf(path, choice));
  }
  return new LayerIndex([...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1)));
}

const layer = fc.tuple(...PATHS.map(() => fc.constantFrom(...CHOICES))).map(layerOf);

function facts(stack: readonly DiffId[], indexes: ReadonlyMap<DiffId, LayerIndex>): string[] {
  const tree = new Tree(stack.map((diffId) => ({ diffId, index: indexes.get(diffId)! })));
  return [...tree.walk()].map(({ entry: { path, type, mode, digest = "" } }) => `${path} ${type} ${mode} ${digest}`);
}

function comparedIn(indexes: ReadonlyMap<DiffId, LayerIndex>): ComparedLayers {
  return { index: async (diffId) => indexes.get(diffId)!, identity: async (diffId) => indexes.get(diffId)!.identity };
}

test("what is called the same tree is the same tree, and some are found", async () => {
  let same = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 4 }), fc.nat(), layer, async (layers, where, other) => {
      const indexes = new Map(layers.map((index, place) => [digestOf(`layer ${place}`) as DiffId, index]));
      const a = [...indexes.keys()];
      const b = a.with(where % a.length, digestOf("other") as DiffId);
      indexes.set(digestOf("other") as DiffId, other);
      const found = await sameTree(a, b, comparedIn(indexes));
      if (found) {
        same += 1;
        expect(facts(a, indexes)).toEqual(facts(b, indexes));
      }
    }),
    { numRuns: 4000 },
  );
  expect(same).toBeGreaterThan(20);
});

test("a file that differs and that a layer above replaces or deletes does not count; one that shows does", async () => {
  const [one, two] = [layerOf(["directory", "one", "none", "none", "none", "none"]), layerOf(["directory", "two", "none", "none", "none", "none"])];
  const [gone, beside] = [layerOf(["directory", "whiteout", "none", "none", "none", "none"]), layerOf(["directory", "none", "none", "one", "none", "none"])];
  const indexes = new Map(Object.entries({ one, two, gone, beside }).map(([name, index]) => [digestOf(name) as DiffId, index]));
  const same = (a: readonly string[], b: readonly string[]) => sameTree(a.map((name) => digestOf(name) as DiffId), b.map((name) => digestOf(name) as DiffId), comparedIn(indexes));
  expect(await same(["one", "gone"], ["two", "gone"])).toBe(true);
  expect(await same(["one", "beside"], ["two", "beside"])).toBe(false);
  expect(await same(["one", "gone"], ["two", "beside"])).toBe(false);
  expect(await same(["one", "gone"], ["one"])).toBe(false);
});
