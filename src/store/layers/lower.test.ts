import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DiffId } from "../../oci/digest.ts";
import { openStore, type Store } from "../store.ts";
import type { LayerMounter, Lower } from "./lower.ts";
import { unpackLayer } from "./unpack.ts";

let directory: string;
let store: Store;
let unpacked: number;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "laminate-lower-"));
  store = await openStore(join(directory, "store"));
  unpacked = 0;
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function mounter(mountsImages: boolean, dialect: LayerMounter["dialect"] = "trusted"): LayerMounter {
  return {
    dialect,
    mountsImages: async () => mountsImages,
    unpack(layer, target) {
      unpacked += 1;
      return unpackLayer(layer, target, { dialect, owners: false });
    },
  };
}

/** A layer of one file; a sparse one if `holes`. */
async function layer(name: string, holes = 0): Promise<DiffId> {
  writeFileSync(join(directory, name), "start");
  if (holes > 0) truncateSync(join(directory, name), holes);
  const tar = join(directory, `${name}.tar`);
  execFileSync("tar", ["--create", "--sparse", "--file", tar, "--directory", directory, name]);
  return store.layers.putTar(createReadStream(tar) as AsyncIterable<Buffer>);
}

/** A layer that is no stack. */
async function lowerOf(diffId: DiffId, by: LayerMounter): Promise<Lower> {
  const [lower, ...more] = await store.layers.lowers(diffId, by);
  expect(more).toEqual([]);
  return lower!;
}

test("where images can be mounted a layer is its tar with an image, made once and not unpacked", async () => {
  const diffId = await layer("file");
  const lower = await lowerOf(diffId, mounter(true));
  expect(lower).toEqual({ kind: "erofs", image: join(store.root, "layers", diffId.slice(7), "erofs"), devices: (await store.layers.tar(diffId)).parts.map(({ file }) => file) });
  const image = readFileSync(lower.kind === "erofs" ? lower.image : "");
  expect(await Promise.all([lowerOf(diffId, mounter(true)), lowerOf(diffId, mounter(true))])).toEqual([lower, lower]);
  expect(readFileSync(lower.kind === "erofs" ? lower.image : "").equals(image)).toBe(true);
  expect(unpacked).toBe(0);
});

test("an image that was cut short, or is over a tar of another size, is made again", async () => {
  const diffId = await layer("file");
  const lower = await lowerOf(diffId, mounter(true));
  const path = lower.kind === "erofs" ? lower.image : "";
  const whole = readFileSync(path);
  for (const damaged of [whole.subarray(0, 0), whole.subarray(0, 1024), whole.subarray(0, whole.length - 512), Buffer.from(whole).fill(1, 1152 + 64, 1152 + 68)]) {
    writeFileSync(path, damaged);
    expect(await lowerOf(diffId, mounter(true))).toEqual(lower);
    expect(readFileSync(path).equals(whole)).toBe(true);
  }
});

test("where they cannot it is a directory, and stays that", async () => {
  const diffId = await layer("file");
  const lower = await lowerOf(diffId, mounter(false));
  expect(lower.kind === "directory" && readFileSync(join(lower.path, "file"), "utf8")).toBe("start");
  expect(await lowerOf(diffId, mounter(true))).toEqual(lower);
  expect(unpacked).toBe(1);
});

test("a layer with a sparse file in its tar is unpacked", async () => {
  const diffId = await layer("sparse", 1 << 22);
  const lower = await lowerOf(diffId, mounter(true));
  expect(lower.kind === "directory" && readFileSync(join(lower.path, "sparse")).length).toBe(1 << 22);
  expect(existsSync(join(store.root, "layers", diffId.slice(7), "erofs"))).toBe(false);
});
