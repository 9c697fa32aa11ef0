import { crc32 } from "node:zlib";
import { BLOCKS_AT_ONCE } from "../../../archive/compress.ts";
import { cutBlocks } from "../../../archive/cut-blocks.ts";
import { GZIP_HEADER, gzipBlock, GzipEnd, type GzipBlock } from "../../../archive/gzip-blocks.ts";
import { inOrder } from "../../../base/in-order.ts";
import { readWhole } from "../located.ts";
import { StoreFailure } from "../../store-error.ts";
import type { StoredTar } from "../stored-tar.ts";
import type { PackedBlock } from "./block-table.ts";
import type { KnownBlock, KnownBlocks } from "./known-blocks.ts";

/**
 * A tar compressed with gzip: the bytes of {@link compressGzip}, of which those of known blocks are taken from where
 * they stand, their part of the tar not even read. `onBlock` hears of each block, in order.
 */
export async function* packGzip(tar: StoredTar, known: KnownBlocks, onBlock: (block: PackedBlock) => void): AsyncGenerator<Buffer> {
  const end = new GzipEnd();
  yield GZIP_HEADER;
  for await (const { length, crc, data, check } of inOrder(blocksOf(tar, known), BLOCKS_AT_ONCE, (block) => packed(tar, block))) {
    end.add({ length, crc });
    onBlock({ length, crc, size: data.length, check: check ?? crc32(data) });
    yield data;
  }
  yield end.bytes();
}

type Unpacked = { readonly block: Buffer } | { readonly known: KnownBlock; readonly start: number };
type Packed = GzipBlock & { readonly check?: number };

async function* blocksOf(tar: StoredTar, known: KnownBlocks): AsyncGenerator<Unpacked> {
  for (let start = 0; start < tar.size; ) {
    const found = known.find(start);
    if (found !== undefined) {
      yield { known: found, start };
      start += found.length;
      continue;
    }
    for await (const block of cutBlocks(tar.read(start))) {
      yield { block };
      start += block.length;
      if (known.find(start) !== undefined) break;
    }
  }
}

async function packed(tar: StoredTar, unpacked: Unpacked): Promise<Packed> {
  if ("block" in unpacked) return await gzipBlock(unpacked.block);
  const { known, start } = unpacked;
  const { length, crc, check } = known;
  const data = await keptBytes(known);
  if (data !== undefined) return { length, crc, check, data };
  return await gzipBlock(await bytesOf(tar.read(start, start + length)));
}

/** A known block's bytes; undefined when they are gone or not what they were, which a CRC tells well enough of a disk. */
async function keptBytes({ gzip, at, size, check }: KnownBlock): Promise<Buffer | undefined> {
  try {
    const data = await readWhole({ file: gzip, offset: at }, size);
    return crc32(data) === check ? data : undefined;
  } catch (error) {
    if (error instanceof StoreFailure || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function bytesOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
