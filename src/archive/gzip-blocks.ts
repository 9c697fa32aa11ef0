import { crc32Combine } from "./crc32-combine.ts";
import { cutVersion } from "./cut-blocks.ts";
import { deflateVersion } from "./deflate/deflate-block.ts";

/** No name, no time, "unknown" system (RFC 1952, 2.3). */
export const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty deflate block that is the last one. */
const DEFLATE_END = Buffer.from([0x03, 0x00]);

/** All that a gzip's bytes depend on besides the content. */
export const gzipVersion = `gzip ${deflateVersion}, blocks of ${cutVersion}`;

/** A block of a gzip, compressed. */
export interface GzipBlock {
  /** Uncompressed bytes, and their CRC-32. */
  readonly length: number;
  readonly crc: number;
  /** What stands in the gzip for them, and the CRC-32 of that. */
  readonly data: Buffer;
  readonly check: number;
}

/** Counts the blocks of a gzip for its end. */
export class GzipEnd {
  #crc = 0;
  #size = 0;

  add({ length, crc }: Pick<GzipBlock, "length" | "crc">): void {
    this.#crc = crc32Combine(this.#crc, crc, length);
    this.#size += length;
  }

  /** What follows the last block (RFC 1952, 2.3.1). */
  bytes(): Buffer {
    const end = Buffer.alloc(8);
    end.writeUInt32LE(this.#crc, 0);
    end.writeUInt32LE(this.#size % 2 ** 32, 4);
    return Buffer.concat([DEFLATE_END, end]);
  }
}
