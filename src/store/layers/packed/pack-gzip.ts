import { crc32 } from "node:zlib";
import type { BlockCompressor } from "../../../archive/block-compressor.ts";
import { compressedIn } from "../../../archive/compress-room.ts";
import { cutBlocks } from "../../../archive/cut-blocks.ts";
import { GZIP_HEADER, GzipEnd, type GzipBlock } from "../../../archive/gzip-blocks.ts";
import { inOrder } from "../../../base/in-order.ts";
import { readWhole } from "../located.ts";
import { StoreFailure } from "../../store-error.ts";
import type { StoredTar } from "../stored-tar.ts";
import type { PackedBlock } from "./block-table.ts";
import type { KnownBlock, KnownBlocks } from "./known-blocks.ts";

/** How a tar is compressed. */
export interface PackWays {
  /** Blocks whose bytes are taken from where they stand, their part of the tar not even read. */
  readonly known: KnownBlocks;
  readonly compressor: BlockCompressor;
  /** Hears of each block, in order. */
  readonly onBlock: (block: PackedBlock) => void;
}

/**
 * A tar compressed with gzip, in blocks that begin and end where the content says so and know nothing of one another,
 * joined at byte boundaries into one member. The bytes depend on the tar alone, not on what is known, timing or cores.
 * What is given is valid until the next is asked for.
 */
export async function* packGzip(tar: StoredTar, { known, compressor, onBlock }: PackWays): AsyncGenerator<Buffer> {
  const end = new GzipEnd();
  yield GZIP_HEADER;
  for await (const { length, crc, data, check } of inOrder(blocksOf(tar, known, compressor), compressor.atOnce, (block) => packed(tar, block, compressor))) {
    end.add({ length, crc });
    onBlock({ length, crc, size: data.length, check });
    yield data;
    compressor.free(data);
  }
  yield end.bytes();
}

/** What is read at once; it is copied from there while the processor's cache has it. Bytes. */
const READ_SIZE = 256 << 10;

type Unpacked = { readonly block: Buffer } | { readonly known: KnownBlock; readonly start: number };

async function* blocksOf(tar: StoredTar, known: KnownBlocks, compressor: BlockCompressor): AsyncGenerator<Unpacked> {
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  for (let start = 0; start < tar.size; ) {
    const found = known.find(start);
    if (found !== undefined) {
      yield { known: found, start };
      start += found.length;
      continue;
    }
    for await (const block of cutBlocks(tar.read(start, tar.size, buffer), compressor)) {
      yield { block };
      start += block.length;
      if (known.find(start) !== undefined) break;
    }
  }
}

async function packed(tar: StoredTar, unpacked: Unpacked, compressor: BlockCompressor): Promise<GzipBlock> {
  if ("block" in unpacked) return await compressor.compress(unpacked.block);
  const { known, start } = unpacked;
  const { length, crc, check } = known;
  const room = compressor.take();
  const data = await keptBytes(known, room);
  if (data !== undefined) return { length, crc, check, data };
  let filled = 0;
  for await (const chunk of tar.read(start, start + length)) filled += chunk.copy(room, filled);
  return await compressor.compress(room.subarray(0, filled));
}

/** A known block's bytes; undefined when they are gone or not what they were, which a CRC tells well enough of a disk. */
async function keptBytes({ gzip, at, size, check }: KnownBlock, room: Buffer): Promise<Buffer | undefined> {
  try {
    const data = await readWhole({ file: gzip, offset: at }, size, compressedIn(room, size));
    return crc32(data) === check ? data : undefined;
  } catch (error) {
    if (error instanceof StoreFailure || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
