import { crc32 } from "node:zlib";
import { LONGEST_BLOCK } from "./cut-blocks.ts";
import { deflateBlock, mostDeflated } from "./deflate/deflate-block.ts";
import type { Libdeflate } from "./deflate/libdeflate.ts";

/** Memory of several threads that has a block at its start, and behind the longest one what that is compressed to. */
export type Room = SharedArrayBuffer;

/** A block's compressed bytes are not more. */
export const MOST_COMPRESSED = mostDeflated(LONGEST_BLOCK);

export function makeRoom(): Room {
  return new SharedArrayBuffer(LONGEST_BLOCK + MOST_COMPRESSED);
}

export interface RoomAsk {
  readonly room: Room;
  /** Bytes of the block. */
  readonly length: number;
}

/** The block's CRC-32; the length and the CRC-32 of what it is compressed to. */
export interface RoomAnswer {
  readonly crc: number;
  readonly size: number;
  readonly check: number;
}

/** Compresses the block in a room. */
export function compressRoom({ room, length }: RoomAsk, libdeflate: Libdeflate): RoomAnswer {
  const block = blockIn(room, length);
  const size = deflateBlock(block, compressedIn(block, MOST_COMPRESSED), libdeflate);
  return { crc: crc32(block), size, check: crc32(compressedIn(block, size)) };
}

/** Where a block is put, and how much of that it is. */
export function blockIn(room: Room, length = LONGEST_BLOCK): Buffer {
  return Buffer.from(room, 0, length);
}

/** Where the bytes are that a block in a room was compressed to. */
export function compressedIn({ buffer }: Buffer, size: number): Buffer {
  return Buffer.from(buffer, LONGEST_BLOCK, size);
}
