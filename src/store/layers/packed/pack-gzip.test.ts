import { createCipheriv } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytePath } from "../../../base/byte-path.ts";
import { digestOf, hexOf, type DiffId } from "../../../oci/digest.ts";
import { Growth } from "../../content/growth.ts";
import { openStore, type Store } from "../../store.ts";
import { gzipOf } from "../../../testing/gzip.ts";
import { layerOf, type LocatedEntry } from "../../../testing/located-entries.ts";
import { readBlockTable } from "./block-table.ts";
import { KnownBlocks } from "./known-blocks.ts";
import { packFile } from "./pack-file.ts";

/* A layer's gzip is the same whether it was joined from an earlier layer's or made of nothing but its tar. */

let place: string;
let store: Store;
beforeAll(async () => {
  place = mkdtempSync(path.join(tmpdir(), "laminate-packed-"));
  mkdirSync(path.join(place, "files"));
  store = await openStore(path.join(place, "store"));
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
});

/** Files by name: how long they are, and what is in them. */
type Shape = Readonly<Record<string, { readonly size: number; readonly seed: number }>>;

const START: Shape = Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`file${String(index).padStart(2, "0")}`, { size: 200_000 + 40_009 * index, seed: index }]));

function entriesOf(shape: Shape): LocatedEntry[] {
  return Object.keys(shape)
    .sort()
    .map((name) => {
      const content = contentOf(shape[name]!);
      const digest = digestOf(content);
      const file = path.join(place, "files", hexOf(digest));
      writeFileSync(file, content);
      return { entry: { path: bytePath(name), type: "file", mode: 0o644, uid: 0, gid: 0, mtime: 0n, size: content.length, digest }, located: { file, offset: 0 } };
    });
}

/** Odd seeds are words, others noise. */
function contentOf({ size, seed }: Shape[string]): Buffer {
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(size));
  return seed % 2 === 0 ? noise : Buffer.from(noise.toString("hex").replaceAll("a", " and "), "latin1").subarray(0, size);
}

async function compose(shape: Shape, earlier?: DiffId): Promise<DiffId> {
  return await store.layers.compose(layerOf(entriesOf(shape), earlier));
}

async function bytesOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The layer's gzip from the store, which must be the one that its tar alone gives. */
async function packed(diffId: DiffId): Promise<Buffer> {
  const { digest } = await store.layers.blob(diffId, "gzip");
  const bytes = readFileSync(store.content.path(digest));
  const tar = await bytesOf((await store.layers.tar(diffId)).read());
  expect(gunzipSync(bytes).equals(tar)).toBe(true);
  expect(digest).toBe(digestOf(await gzipOf((await store.layers.tar(diffId)).read())));
  return bytes;
}

async function known(diffId: DiffId, earlier: DiffId): Promise<{ readonly blocks: number; readonly found: number }> {
  const of = async (each: DiffId) => ({ tar: await store.layers.tar(each), table: readBlockTable(path.join(store.layers.place(each), "gzip.json"))! });
  const [now, before] = [await of(diffId), await of(earlier)];
  const blocks = new KnownBlocks(now.tar, [{ parts: before.tar.parts, table: before.table, gzip: store.content.path(before.table.blob) }]);
  let [start, found] = [0, 0];
  for (const { length } of now.table.blocks) {
    if (blocks.find(start)?.length === length) found += 1;
    start += length;
  }
  return { blocks: now.table.blocks.length, found };
}

const file = fc.record({ size: fc.integer({ min: 0, max: 900_000 }), seed: fc.integer({ min: 0, max: 255 }) });
const edit = fc.tuple(fc.integer({ min: 0, max: 26 }), fc.option(file, { nil: undefined }));

test("over random edits: files that change, come and go", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
      let now = START;
      let earlier = await compose(now);
      await packed(earlier);
      for (const [index, change] of edits) {
        const { [`file${String(index).padStart(2, "0")}`]: _gone, ...rest } = now;
        now = change === undefined ? rest : { ...rest, [`file${String(index).padStart(2, "0")}`]: change };
        const diffId = await compose(now, earlier);
        await packed(diffId);
        earlier = diffId;
      }
    }),
    { numRuns: 4 },
  );
});

test("one file that grew costs the blocks around it", async () => {
  const first = await compose(START);
  await packed(first);
  const second = await compose({ ...START, file03: { size: 500_000, seed: 77 } }, first);
  await packed(second);
  const { blocks, found } = await known(second, first);
  expect(blocks).toBeGreaterThan(12);
  expect(blocks - found).toBeLessThanOrEqual(6);
});

test("on threads, however many, it has the same bytes", async () => {
  const { parts } = await store.layers.tar(await compose(START));
  const packedOn = async (threads: number) => {
    const target = path.join(place, `on-${threads}`);
    return { ...(await packFile({ target, parts, likely: [], threads, shared: new Growth().shared })), bytes: digestOf(readFileSync(target)) };
  };
  const alone = await packedOn(0);
  expect(alone.bytes).toBe(alone.digest);
  for (const threads of [1, 3]) expect(await packedOn(threads)).toEqual(alone);
});

test("what was spoilt or is gone in the earlier one is compressed again", async () => {
  const start = { ...START, file00: { size: 1_000_001, seed: 91 } };
  const first = await compose(start);
  const bytes = await packed(first);
  const { digest } = await store.layers.blob(first, "gzip");
  bytes.fill("spoilt", bytes.length / 2, bytes.length / 2 + 100);
  writeFileSync(store.content.path(digest), bytes);
  const second = await compose({ ...start, file01: { size: 10, seed: 92 } }, first);
  await packed(second);
  const table = path.join(store.layers.place(first), "gzip.json");
  const { blocks, ...rest } = JSON.parse(readFileSync(table, "utf8")) as { readonly blocks: readonly (readonly number[])[] };
  for (const row of [[0, 0, 0, 0], [-5, 1, 2, 3], [2 ** 30, 1, 2, 3], [1, 2, "3", 4], []]) {
    writeFileSync(table, JSON.stringify({ ...rest, blocks: [row, ...blocks] }));
    expect(readBlockTable(table)).toBeUndefined();
  }
  writeFileSync(table, JSON.stringify({ ...rest, blocks }));
  writeFileSync(store.content.path(digest), bytes.subarray(0, bytes.length / 3));
  const third = await compose({ ...start, file01: { size: 11, seed: 93 } }, first);
  await packed(third);
});
