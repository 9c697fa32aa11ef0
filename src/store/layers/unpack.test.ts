import { execFileSync } from "node:child_process";
import { chmodSync, createReadStream, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DiffId } from "../../oci/digest.ts";
import { snapshot } from "../../testing/trees/snapshot.ts";
import { openStore, type Store } from "../store.ts";
import type { LayerFiles } from "./unpack.ts";
import { unpackLayer } from "./unpack.ts";

/* A layer of so many entries, large files among them, that threads share them. What becomes of small ones: hostile-tars.test.ts, diff-apply.test.ts. */

const FILES = 4500;
const LARGE = 2 << 20;
let place: string;
let store: Store;
let layer: LayerFiles;

beforeAll(async () => {
  place = mkdtempSync(path.join(tmpdir(), "laminate-unpack-"));
  store = await openStore(path.join(place, "store"));
  makeTree(path.join(place, "tree"));
  execFileSync("tar", ["--create", "--format=pax", "--file", path.join(place, "tar"), "--directory", path.join(place, "tree"), "."]);
  const diffId: DiffId = await store.layers.putTar(createReadStream(path.join(place, "tar")) as AsyncIterable<Buffer>);
  layer = { index: path.join(store.layers.place(diffId), "index"), parts: (await store.layers.tar(diffId)).parts };
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(place, { recursive: true });
});

function makeTree(tree: string): void {
  for (let number = 0; number < 90; number += 1) mkdirSync(path.join(tree, `d${number}`), { recursive: true });
  for (let number = 0; number < FILES; number += 1) {
    const directory = path.join(tree, `d${number % 90}`);
    const file = path.join(directory, `f${number}`);
    writeFileSync(file, number % 100 === 0 ? Buffer.alloc(LARGE + number, `${number}\n`) : `${number}\n`.repeat(number % 40));
    if (number % 7 === 0) chmodSync(file, 0o4755);
    utimesSync(file, number, number);
    if (number % 50 === 0) linkSync(file, path.join(tree, `d${(number + 45) % 90}`, `name-of-${number}`));
    if (number % 60 === 0) symlinkSync(file, path.join(directory, `link-to-${number}`));
  }
  for (let number = 0; number < 90; number += 1) utimesSync(path.join(tree, `d${number}`), 1, 1);
}

test("is what tar makes of it: contents, modes, times, links of both kinds", async () => {
  const [ours, tars] = ["ours", "tars"].map((name) => path.join(place, name)) as [string, string];
  for (const each of [ours, tars]) mkdirSync(each);
  await unpackLayer(layer, ours, { dialect: "trusted", owners: process.getuid?.() === 0 });
  execFileSync("tar", ["--extract", "--preserve-permissions", "--file", path.join(place, "tar"), "--directory", tars]);
  expect(snapshot(ours, { directoryTimes: true })).toEqual(snapshot(tars, { directoryTimes: true }));
});

test("with a tar that was cut fails as the store's failure, whichever thread meets it", async () => {
  const short = path.join(place, "short");
  execFileSync("cp", [path.join(place, "tar"), short]);
  truncateSync(short, layer.parts[0]!.length / 2);
  const target = path.join(place, "half");
  mkdirSync(target);
  const parts = layer.parts.map((part) => ({ ...part, file: short }));
  await expect(unpackLayer({ ...layer, parts }, target, { dialect: "trusted", owners: false })).rejects.toMatchObject({ name: "StoreFailure", code: "damaged" });
});
