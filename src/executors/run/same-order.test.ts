import fc from "fast-check";
import { expect, test } from "vitest";
import type { BytePath } from "../../base/byte-path.ts";
import { digestOf, type DiffId } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { LayerIndex } from "../../store/layers/layer-index.ts";
import { Tree } from "../../store/layers/tree.ts";
import { sameOrder } from "./same-order.ts";

/* Whether a command that asks what is newer finds in one layer what it would find in another. */

const file = (path: string, time: number): Entry => ({ path: path as BytePath, type: "file", mode: 0o644, uid: 0, gid: 0, size: 0, mtime: BigInt(time), digest: digestOf(path) });
const layer = (...entries: readonly Entry[]) => new LayerIndex(entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
const treeOf = (index: LayerIndex) => new Tree([{ diffId: digestOf("below") as DiffId, index }]);

test("a file of the tree below whose time lies between the two makes another order", () => {
  const below = treeOf(layer(file("main.c", 5)));
  expect(sameOrder(layer(file("main.o", 3)), layer(file("main.o", 9)), below)).toBe(false);
  expect(sameOrder(layer(file("main.o", 6)), layer(file("main.o", 9)), below)).toBe(true);
  expect(sameOrder(layer(file("main.o", 3)), layer(file("main.o", 3)), below)).toBe(true);
});

test("a file below that the layer deletes or replaces is not seen, so its time does not count", () => {
  const below = treeOf(layer(file("main.c", 5)));
  const whiteout: Entry = { ...file("main.c", 0), type: "whiteout" };
  expect(sameOrder(layer(whiteout, file("main.o", 3)), layer(whiteout, file("main.o", 9)), below)).toBe(true);
  expect(sameOrder(layer(file("main.c", 3)), layer(file("main.c", 9)), below)).toBe(true);
});

test("over random times: in one order every file below stands to every file of the layer as it does in the other", () => {
  const times = fc.array(fc.nat(9), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(times, times, times, (one, other, under) => {
      const [a, b] = [one, other].map((all) => layer(...all.map((time, place) => file(`made-${place}`, time))));
      const sources = under.map((time, place) => file(`source-${place}`, time));
      if (!sameOrder(a!, b!, treeOf(layer(...sources)))) return;
      const order = (index: LayerIndex) => index.entries.map((made) => sources.map((source) => Math.sign(Number(made.mtime - source.mtime))));
      expect(order(a!)).toEqual(order(b!));
    }),
  );
});
