import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { constants, zstdCompress, type ZstdOptions } from "node:zlib";
import { inOrder } from "../base/in-order.ts";
import { cutBlocks } from "./cut-blocks.ts";
import { GZIP_HEADER, gzipBlock, GzipEnd } from "./gzip-blocks.ts";

const ZSTD_BLOCK = 4 << 20;
const ZSTD_LEVEL = 3;

function zstdBlock(bytes: Buffer, options: ZstdOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => zstdCompress(bytes, options, (error, result) => (error === null ? resolve(result) : reject(error))));
}

/** Blocks to compress at once: zlib's work is done by libuv's four threads, and one block waits. */
export const BLOCKS_AT_ONCE = Math.min(availableParallelism(), 4) + 1;

/**
 * A stream compressed with gzip on all cores, in blocks that begin and end where the content says so and know nothing
 * of one another, joined at byte boundaries into one member. The bytes depend on the content alone, not on chunking,
 * timing or cores.
 */
export function compressGzip(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(gzip(source), { objectMode: false });
}

/** A stream compressed with zstd on all cores, as frames of 4 MiB, with the same guarantee. */
export function compressZstd(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(zstd(source), { objectMode: false });
}

async function* gzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const end = new GzipEnd();
  yield GZIP_HEADER;
  for await (const block of inOrder(cutBlocks(source), BLOCKS_AT_ONCE, gzipBlock)) {
    end.add(block);
    yield block.data;
  }
  yield end.bytes();
}

async function* zstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } };
  let any = false;
  for await (const frame of inOrder(blocks(source, ZSTD_BLOCK), BLOCKS_AT_ONCE, (block) => zstdBlock(block, options))) {
    any = true;
    yield frame;
  }
  if (!any) yield await zstdBlock(Buffer.alloc(0), options);
}

/** The stream cut into blocks of exactly `size` bytes, the last one shorter. */
async function* blocks(source: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(block, filled, at);
      at += copied;
      filled += copied;
      if (filled === size) {
        yield block;
        block = Buffer.allocUnsafe(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
