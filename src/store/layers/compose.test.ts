import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytePath } from "../../base/byte-path.ts";
import { digestOf, hexOf, type DiffId } from "../../oci/digest.ts";
import { openStore, type Store } from "../store.ts";
import { layerOf, type LocatedEntry } from "../../testing/located-entries.ts";

/* A layer that is mostly an earlier one is made of that one's tar, and is what it would be without it, byte for byte. */

let place: string;
let store: Store;
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), "laminate-compose-"));
  mkdirSync(join(place, "files"));
  store = await openStore(join(place, "store"));
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

/** A tree in short: path → content, null for a directory, `-> x` for a link. */
type Shape = Readonly<Record<string, string | null>>;

function entriesOf(shape: Shape, mtime = 1_700_000_000_123_456_789n): LocatedEntry[] {
  return Object.entries(shape)
    .map(([name, content]): LocatedEntry => {
      const base = { path: bytePath(name), mode: 0o644, uid: 0, gid: 0, size: 0, mtime };
      if (content === null) return { entry: { ...base, type: "directory", mode: 0o755, ...(name.endsWith("o") ? { opaque: true as const } : {}) } };
      if (content.startsWith("-> ")) return { entry: { ...base, type: "symlink", mode: 0o777, link: content.slice(3) } };
      if (content === "gone") return { entry: { ...base, type: "whiteout", mode: 0 } };
      const digest = digestOf(content);
      const file = join(place, "files", hexOf(digest));
      writeFileSync(file, content);
      return { entry: { ...base, type: "file", size: Buffer.byteLength(content), digest }, located: { file, offset: 0 } };
    })
    .sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
}

async function tarOf(diffId: DiffId): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await store.layers.tar(diffId)).read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The same layer made without an earlier one, in a store that knows none. */
async function alone(shape: Shape): Promise<{ readonly diffId: DiffId; readonly tar: Buffer }> {
  const root = mkdtempSync(join(place, "alone-"));
  await using other = await openStore(root);
  const diffId = await other.layers.compose(layerOf(entriesOf(shape)));
  await other.layers.settled(diffId);
  return { diffId, tar: readFileSync(join(root, "layers", hexOf(diffId), "tar")) };
}

const name = fc.constantFrom("a", "b", "c", "d/e", "d/f", "d", "g/h/i", "g/h", "g", "o", "o/p", `long/${"n".repeat(150)}`, "é");
const content = fc.oneof(fc.constant(null), fc.constant("-> a"), fc.constant("gone"), fc.string({ maxLength: 3000 }), fc.integer({ min: 1, max: 9 }).map((times) => "x".repeat(times * 512)));
const shape = fc.dictionary(name, content, { maxKeys: 10 });
/** Enough that an earlier layer is worth sharing. */
const BIG: Shape = { "big/1": "1".repeat(3 << 20), "big/2": "2".repeat(3 << 20), big: null };

test("over random trees and edits of them", { timeout: 180_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(fc.tuple(name, fc.option(content, { nil: undefined })), { maxLength: 6 }), async (first, edits) => {
      let now: Shape = { ...BIG, ...first };
      let earlier = await store.layers.compose(layerOf(entriesOf(now)));
      for (const [path, change] of [["big/3", "3"] as const, ...edits]) {
        const { [path]: _gone, ...rest } = now;
        now = change === undefined ? rest : { ...rest, [path]: change };
        const diffId = await store.layers.compose(layerOf(entriesOf(now), earlier));
        const cold = await alone(now);
        expect(diffId).toBe(cold.diffId);
        const tar = await tarOf(diffId);
        expect(tar.equals(cold.tar)).toBe(true);
        expect(`sha256:${createHash("sha256").update(tar).digest("hex")}`).toBe(diffId);
        for (const { type, offset, size, digest } of (await store.layers.index(diffId)).entries) {
          if (type === "file") expect(digestOf(tar.subarray(offset!, offset! + size))).toBe(digest);
        }
        earlier = diffId;
      }
    }),
    { numRuns: 15 },
  );
});

test("what it shares is on the disk once, and stays when the earlier layer goes", async () => {
  const first = await store.layers.compose(layerOf(entriesOf({ ...BIG, "edited/file": "before" })));
  const second = await store.layers.compose(layerOf(entriesOf({ ...BIG, "edited/file": "after" }), first));
  const blocks = (diffId: DiffId): number => Number(execFileSync("du", ["--block-size=1", "-s", join(store.root, "layers", hexOf(diffId)), "--exclude=index"], { encoding: "utf8" }).split("\t")[0]);
  const together = Number(execFileSync("du", ["--block-size=1", "-c", "-s", join(store.root, "layers", hexOf(first)), join(store.root, "layers", hexOf(second))], { encoding: "utf8" }).split("\n").at(-2)!.split("\t")[0]);
  expect(together).toBeLessThan(1.2 * blocks(first));
  rmSync(store.layers.detach(first)!, { recursive: true });
  expect(digestOf(await tarOf(second))).toBe(second);
});

test("a file that is not what its entry says is refused, and nothing of the layer is kept", async () => {
  const entries = entriesOf({ file: "what was hashed" });
  writeFileSync(entries[0]!.located!.file as string, "what it is now!");
  const before = store.layers.list();
  await expect(store.layers.compose(layerOf(entries))).rejects.toMatchObject({ code: "digest-mismatch", message: '"file" changed while it was read' });
  expect(store.layers.list()).toEqual(before);
});

test("in a thread too, where there is much to write", async () => {
  const many: Shape = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`many/${at}`, `${at}`.repeat(at % 1000)]));
  const diffId = await store.layers.compose(layerOf(entriesOf({ ...many, "large/1": "l".repeat(9 << 20) })));
  expect(digestOf(await tarOf(diffId))).toBe(diffId);
  const listed = execFileSync("tar", ["-tf", join(store.root, "layers", hexOf(diffId), "tar")], { encoding: "utf8", maxBuffer: 1 << 26 }).split("\n");
  expect(listed.length - 1).toBe(3001);
  const entries = entriesOf({ "large/2": "m".repeat(9 << 20) });
  writeFileSync(entries[0]!.located!.file as string, "n".repeat(9 << 20));
  await expect(store.layers.compose(layerOf(entries))).rejects.toMatchObject({ code: "digest-mismatch" });
});

test("an index of an earlier version, or a damaged one, is made again from the tar", async () => {
  const diffId = await store.layers.compose(layerOf(entriesOf({ d: null, "d/file": "text" })));
  await store.layers.settled(diffId);
  for (const damage of ['{"version":1,"size":0,"entries":[]}', "", "{"]) {
    writeFileSync(join(store.root, "layers", hexOf(diffId), "index"), damage);
    await using again = await openStore(store.root);
    expect((await again.layers.index(diffId)).entries.map(({ path }) => path)).toEqual(["d", "d/file"]);
  }
});

test("what the machine's end may have spoilt is not in the store any more", async () => {
  const diffId = await store.layers.compose(layerOf(entriesOf({ file: "lost" })));
  await store.layers.settled(diffId);
  expect(store.layers.has(diffId)).toBe(true);
  writeFileSync(join(store.root, "unsynced", `${hexOf(diffId)}.tar`), "the id of another boot");
  await using after = await openStore(store.root);
  expect(after.layers.has(diffId)).toBe(false);
  expect(await after.layers.compose(layerOf(entriesOf({ file: "lost" })))).toBe(diffId);
  expect(after.layers.has(diffId)).toBe(true);
});
