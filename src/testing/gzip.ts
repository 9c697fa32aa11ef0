import { BlockCompressor } from "../archive/block-compressor.ts";
import { cutBlocks } from "../archive/cut-blocks.ts";
import { GZIP_HEADER, GzipEnd } from "../archive/gzip-blocks.ts";

/** A stream as we compress it, one block after the other. */
export async function gzipOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  await using compressor = new BlockCompressor(0);
  const [end, pieces] = [new GzipEnd(), [GZIP_HEADER]];
  for await (const block of cutBlocks(source, compressor)) {
    const compressed = await compressor.compress(block);
    end.add(compressed);
    pieces.push(Buffer.from(compressed.data));
    compressor.free(compressed.data);
  }
  return Buffer.concat([...pieces, end.bytes()]);
}
