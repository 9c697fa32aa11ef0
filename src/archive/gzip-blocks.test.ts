import { createCipheriv, createHash } from "node:crypto";
import { crc32, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32Combine } from "./crc32-combine.ts";
import { cutBlocks, LONGEST_BLOCK } from "./cut-blocks.ts";
import { gzipOf } from "../testing/gzip.ts";

const MIB = 1 << 20;

/** Bytes that look random, the same for the same seed. */
function noise(size: number, seed = 1): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(size));
}

function words(size: number, seed = 2): Buffer {
  return Buffer.from(noise(size / 2, seed).toString("hex").replaceAll(/[0-3]/g, " the "), "latin1").subarray(0, size);
}

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function gzipped(bytes: Buffer, chunk = 1 * MIB): Promise<Buffer> {
  return await gzipOf(chunked(bytes, chunk));
}

const ROOMS = { take: () => Buffer.allocUnsafeSlow(LONGEST_BLOCK), free: () => undefined };

async function cut(bytes: Buffer, chunk = 1 * MIB): Promise<string[]> {
  const blocks: string[] = [];
  for await (const block of cutBlocks(chunked(bytes, chunk), ROOMS)) blocks.push(`${block.length} ${createHash("sha256").update(block).digest("hex")}`);
  return blocks;
}

describe("gzip", () => {
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.from("x")],
    ["zeros", Buffer.alloc(5 * MIB)],
    ["noise", noise(3 * MIB + 17)],
    ["words", words(3 * MIB + 5)],
    ["noise and words in turn", Buffer.concat([noise(700_001), words(600_000), noise(65_536, 3), words(40_000), noise(MIB)])],
  ])("is one member that holds %s, and no longer than gzip -1 makes it", async (_, bytes) => {
    const packed = await gzipped(bytes);
    expect(gunzipSync(packed).equals(bytes)).toBe(true);
    expect(packed.length).toBeLessThan(gzipSync(bytes, { level: 1 }).length + 50);
  });

  test("is one member that holds any bytes, short and long, mixed as they come", async () => {
    const piece = fc.record({ kind: fc.constantFrom("noise", "words", "zeros", "repeated"), size: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100_000 })), seed: fc.integer({ min: 0, max: 255 }) });
    const bytesOf = ({ kind, size, seed }: { readonly kind: string; readonly size: number; readonly seed: number }): Buffer => {
      if (kind === "noise") return noise(size, seed);
      if (kind === "words") return words(size + (size % 2), seed);
      return kind === "zeros" ? Buffer.alloc(size) : Buffer.alloc(size, noise(1 + (seed % 40) * 50, seed));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const bytes = Buffer.concat(pieces.map(bytesOf));
        expect(gunzipSync(await gzipped(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("gives the same bytes however the content comes", async () => {
    const bytes = Buffer.concat([words(2 * MIB), noise(2 * MIB), Buffer.alloc(3 * MIB)]);
    const whole = await gzipped(bytes, bytes.length);
    for (const chunk of [511, 65_537, MIB]) expect((await gzipped(bytes, chunk)).equals(whole)).toBe(true);
  });

  test("leaves what does not compress as it is, and compresses noise that repeats", async () => {
    expect((await gzipped(noise(4 * MIB))).length).toBeLessThan(4 * MIB * 1.0002);
    const repeated = Buffer.concat(Array.from({ length: 400 }, () => noise(9_000)));
    expect((await gzipped(repeated)).length).toBeLessThan(repeated.length / 20);
  });
});

describe("blocks", () => {
  test("are the whole stream, none too long, wherever the chunks end", async () => {
    const bytes = Buffer.concat([noise(5 * MIB), Buffer.alloc(5 * MIB), words(5 * MIB)]);
    const blocks = await cut(bytes);
    const sizes = blocks.map((block) => Number(block.split(" ")[0]));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(LONGEST_BLOCK);
    expect(await cut(bytes, 10_007)).toEqual(blocks);
  });

  test("far from a change stay what they were when it moves all that follows", async () => {
    const [start, end] = [noise(6 * MIB), noise(20 * MIB, 5)];
    const before = await cut(Buffer.concat([start, Buffer.alloc(512), end]));
    const after = await cut(Buffer.concat([start, Buffer.alloc(7 * 512, 1), end]));
    expect(after.filter((block) => !before.includes(block)).length).toBeLessThanOrEqual(3);
    expect(before.length).toBeGreaterThan(15);
  });

  test("leave no room behind, whether all are taken, some, or the stream fails", async () => {
    const out = new Set<Buffer>();
    const counted = {
      take: () => {
        const room = ROOMS.take();
        out.add(room);
        return room;
      },
      free: (room: Buffer) => void out.delete(room),
    };
    const roomsLeft = async (source: AsyncIterable<Buffer>, most: number): Promise<number> => {
      let taken = 0;
      for await (const block of cutBlocks(source, counted)) {
        for (const room of out) if (room.buffer === block.buffer) out.delete(room);
        if ((taken += 1) === most) break;
      }
      return out.size;
    };
    const bytes = noise(6 * MIB);
    async function* failing(): AsyncGenerator<Buffer> {
      yield bytes;
      throw new Error("no more");
    }
    expect(await roomsLeft(chunked(bytes, MIB), Infinity)).toBe(0);
    expect(await roomsLeft(chunked(Buffer.alloc(4 * MIB), MIB), Infinity)).toBe(0); // it ends with a block that is full
    expect(await roomsLeft(chunked(bytes, MIB), 2)).toBe(0);
    await expect(roomsLeft(failing(), Infinity)).rejects.toThrow("no more");
    expect(out.size).toBe(0);
  });
});

test("two checksums joined are the checksum of both", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(bytes, bytes, (a, b) => crc32Combine(crc32(a), crc32(b), b.length) === crc32(Buffer.concat([a, b]))));
  const [long, short] = [noise(3 * MIB), words(1000)];
  expect(crc32Combine(crc32(short), crc32(long), long.length)).toBe(crc32(Buffer.concat([short, long])));
});
