import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { constants, crc32, deflateRaw, zstdCompress } from "node:zlib";
import { promisify } from "node:util";

const GZIP_BLOCK = 1 << 20;
const ZSTD_BLOCK = 4 << 20;
const WINDOW = 32 * 1024;
const GZIP_LEVEL = 6;
const ZSTD_LEVEL = 3;
/** No name, no time, "unknown" system (RFC 1952, 2.3). */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty block that is the last one. */
const DEFLATE_END = Buffer.from([0x03, 0x00]);

const deflateBlock = promisify<Buffer, object, Buffer>(deflateRaw);
const zstdBlock = promisify<Buffer, object, Buffer>(zstdCompress);

/** All that compressed bytes depend on besides the content: goes into the key of a kept blob. */
export const compressionVersions = {
  gzip: `gzip level ${GZIP_LEVEL}, blocks of ${GZIP_BLOCK}, zlib ${process.versions.zlib}`,
  zstd: `zstd level ${ZSTD_LEVEL}, frames of ${ZSTD_BLOCK}, zstd ${process.versions["zstd"] ?? ""}`,
} as const;

/**
 * A stream compressed with gzip on all cores: blocks of 1 MiB, each with the 32 KiB before it as its dictionary, joined
 * at byte boundaries into one member. The bytes depend on the content alone, not on chunking, timing or cores.
 */
export function compressGzip(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(gzip(source), { objectMode: false });
}

/** A stream compressed with zstd on all cores, as frames of 4 MiB, with the same guarantee. */
export function compressZstd(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(zstd(source), { objectMode: false });
}

async function* gzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let before: Buffer = Buffer.alloc(0);
  let check = 0;
  let size = 0;
  yield GZIP_HEADER;
  yield* inOrder(blocks(source, GZIP_BLOCK), (block) => {
    const dictionary = before.length === 0 ? {} : { dictionary: before };
    before = block.subarray(Math.max(0, block.length - WINDOW));
    check = crc32(block, check);
    size = (size + block.length) % 2 ** 32;
    return deflateBlock(block, { level: GZIP_LEVEL, finishFlush: constants.Z_SYNC_FLUSH, ...dictionary });
  });
  const end = Buffer.alloc(8);
  end.writeUInt32LE(check, 0);
  end.writeUInt32LE(size, 4);
  yield Buffer.concat([DEFLATE_END, end]);
}

async function* zstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } };
  let any = false;
  for await (const frame of inOrder(blocks(source, ZSTD_BLOCK), (block) => zstdBlock(block, options))) {
    any = true;
    yield frame;
  }
  if (!any) yield await zstdBlock(Buffer.alloc(0), options);
}

/** Runs `work` on several blocks at once and gives the results in the order of the blocks. */
async function* inOrder(source: AsyncIterable<Buffer>, work: (block: Buffer) => Promise<Buffer>): AsyncGenerator<Buffer> {
  const running: Promise<Buffer>[] = [];
  const most = availableParallelism() + 1;
  for await (const block of source) {
    const result = work(block);
    result.catch(() => undefined); // seen when its turn comes
    running.push(result);
    if (running.length >= most) yield await running.shift()!;
  }
  for (const result of running) yield await result;
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
