import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bytePath } from "../../base/byte-path.ts";
import { digestOf, hexOf, type DiffId } from "../../oci/digest.ts";
import { collect } from "../collect/collect.ts";
import { openStore, type Store } from "../store.ts";
import { Unsynced } from "../unsynced.ts";
import { layerOf, type LocatedEntry } from "../../testing/located-entries.ts";
import { unpackLayer } from "./unpack.ts";

/* What became of layers is told from what is said of them: after a crash, a full disk, a prune, another process's work. */

const LARGE = 5 << 20;
let place: string;
let store: Store;
beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), "laminate-doubt-"));
  store = await openStore(join(place, "store"));
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

function fileEntry(name: string, content: string): LocatedEntry {
  const file = join(place, name);
  writeFileSync(file, content);
  return { entry: { path: bytePath(name), type: "file", mode: 0o644, uid: 0, gid: 0, size: content.length, mtime: 1_700_000_000n, digest: digestOf(content) }, located: { file, offset: 0 } };
}

function at(diffId: DiffId, name = ""): string {
  return join(store.root, "layers", hexOf(diffId), name);
}

/** As if the machine had gone down before the disk had the layer, and the disk had kept its names. */
function spoil(diffId: DiffId): void {
  truncateSync(at(diffId, "tar"), 0);
  writeFileSync(join(store.root, "unsynced", `${hexOf(diffId)}.tar`), "the id of another boot");
}

async function digestIn(of: Store, diffId: DiffId): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await of.layers.tar(diffId)).read()) chunks.push(chunk);
  return digestOf(Buffer.concat(chunks));
}

test("a layer that a crash spoilt is not taken for the same one made again, also when nobody looked in between", async () => {
  const diffId = await store.layers.compose(layerOf([fileEntry("file", "lost")]));
  await store.layers.settled(diffId);
  spoil(diffId);
  await using after = await openStore(store.root);
  expect(await after.layers.compose(layerOf([fileEntry("file", "lost")]))).toBe(diffId);
  await after.layers.settled(diffId);
  expect(await digestIn(after, diffId)).toBe(diffId);
});

test("nor for the same one that comes as a tar, whether anything of it is left or nothing", async () => {
  const tar = join(place, "layer.tar");
  writeFileSync(join(place, "file"), "text");
  execFileSync("tar", ["-cf", tar, "-C", place, "file"]);
  const put = (): Promise<DiffId> => store.layers.putTar(createReadStream(tar) as AsyncIterable<Buffer>);
  const diffId = await put();
  for (const spoilt of [() => spoil(diffId), () => (spoil(diffId), rmSync(at(diffId), { recursive: true }))]) {
    spoilt();
    await put();
    expect(await digestIn(store, diffId)).toBe(diffId);
  }
});

test("a mark of a layer that is gone says that it is not here", async () => {
  const diffId = digestOf("never here") as DiffId;
  writeFileSync(join(store.root, "unsynced", `${hexOf(diffId)}.tar`), "the id of another boot");
  expect(store.layers.has(diffId)).toBe(false);
});

test("what the disk refused is doubtful at once", () => {
  const unsynced = new Unsynced(store.root);
  unsynced.mark("layer");
  expect(unsynced.isDoubtful("layer")).toBe(false);
  unsynced.doubt("layer");
  expect(unsynced.isDoubtful("layer")).toBe(true);
});

test("a layer that is here stays as it is when it is made again, whatever it is made after", async () => {
  const same = fileEntry("same", "s".repeat(LARGE));
  const first = await store.layers.compose(layerOf([same]));
  const second = await store.layers.compose(layerOf([fileEntry("new", "n"), same]));
  await store.layers.settled(first);
  const before = readdirSync(at(first));
  expect(await store.layers.compose(layerOf([same], second))).toBe(first);
  await store.layers.settled(first);
  expect(readdirSync(at(first))).toEqual(before);
});

test("a pipe in the place of a file is not waited for", async () => {
  const entry = fileEntry("file", "text");
  rmSync(join(place, "file"));
  execFileSync("mkfifo", [join(place, "file")]);
  await expect(store.layers.compose(layerOf([entry]))).rejects.toThrow();
});

test("a layer below another's small directory is not collected while a process or a container may have both mounted", async () => {
  const same = fileEntry("same", "s".repeat(LARGE));
  const unpack = (layer: Parameters<typeof unpackLayer>[0], target: string): Promise<void> => unpackLayer(layer, target, { dialect: "trusted", owners: false });
  const mounter = { dialect: "trusted" as const, unpack, mountsImages: async () => false };
  let [below, above]: DiffId[] = [];
  {
    await using maker = await openStore(store.root);
    below = await maker.layers.compose(layerOf([same]));
    await maker.layers.lowers(below, mounter);
    above = await maker.layers.compose(layerOf([fileEntry("new", "n"), same], below));
    await Promise.all([maker.layers.settled(below), maker.layers.settled(above)]);
  }
  const pruned = async (containerLayers: DiffId[]): Promise<ReadonlySet<DiffId>> =>
    (await collect(store, { containerLayers: () => containerLayers, removeTree: async (tree) => rmSync(tree, { recursive: true }) })).layers;
  {
    await using user = await openStore(store.root);
    user.leases.hold(above);
    expect((await user.layers.lowers(above, mounter)).length).toBe(2);
    expect(await pruned([])).toEqual(new Set());
  }
  expect(await pruned([above])).toEqual(new Set());
  expect(existsSync(at(below, "directory.trusted"))).toBe(true);
  expect(await pruned([])).toEqual(new Set([below, above]));
});

test("digests of directories that are new each time do not fill the disk", () => {
  for (let turn = 0; turn < 70; turn += 1) {
    const digests = store.fileDigests(join(place, `context-${turn}`));
    digests.put(Buffer.alloc(80), 0);
    digests.save(Date.now());
  }
  expect(readdirSync(join(store.root, "file-digests")).length).toBe(64);
});

test("digests that cannot be kept are no failure of the build that learned them", () => {
  mkdirSync(join(place, "context"));
  rmSync(join(store.root, "file-digests"), { recursive: true, force: true });
  writeFileSync(join(store.root, "file-digests"), "no directory can be made here");
  const digests = store.fileDigests(join(place, "context"));
  digests.put(Buffer.alloc(80), 0);
  expect(() => digests.save(Date.now())).not.toThrow();
});

test("a compressed blob that a crash spoilt is no blob any more, and is made again as it was", async () => {
  const diffId = await store.layers.compose(layerOf([fileEntry("file", "lost")]));
  await store.layers.settled(diffId);
  const { digest } = await store.layers.blob(diffId, "gzip");
  const mark = join(store.root, "unsynced", `${hexOf(digest)}.blob`);
  expect(existsSync(mark)).toBe(true);
  truncateSync(store.content.path(digest), 0);
  writeFileSync(mark, "the id of another boot");
  await using after = await openStore(store.root);
  expect(after.content.has(digest)).toBe(false);
  expect(existsSync(mark)).toBe(false);
  expect(await after.layers.blob(diffId, "gzip")).toMatchObject({ digest });
  expect(digestOf(await after.content.readAll(digest))).toBe(digest);
});
