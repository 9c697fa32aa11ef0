import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { constants, zstdCompress, type ZstdOptions } from "node:zlib";
import { inOrder } from "../base/in-order.ts";

const ZSTD_BLOCK = 4 << 20;
const ZSTD_LEVEL = 3;

function zstdBlock(bytes: Buffer, options: ZstdOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => zstdCompress(bytes, options, (error, result) => (error === null ? resolve(result) : reject(error))));
}

/** Frames to compress at once: zstd's work is done by libuv's four threads, and one waits. */
const FRAMES_AT_ONCE = Math.min(availableParallelism(), 4) + 1;

/** A stream compressed with zstd on all cores, as frames of 4 MiB. The bytes depend on the content alone, not on chunking, timing or cores. */
export function compressZstd(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(zstd(source), { objectMode: false });
}

async function* zstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } };
  let any = false;
  for await (const frame of inOrder(blocks(source, ZSTD_BLOCK), FRAMES_AT_ONCE, (block) => zstdBlock(block, options))) {
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
