import { readFileSync } from "node:fs";
import { MOST_COMPRESSED } from "../../../archive/compress-room.ts";
import { LONGEST_BLOCK } from "../../../archive/cut-blocks.ts";
import { gzipVersion } from "../../../archive/gzip-blocks.ts";
import { errnoOf } from "../../../base/failure.ts";
import type { Digest } from "../../../oci/digest.ts";
import { writeFileAtomically } from "../../write-file.ts";

/** A block of a gzip that was made here, in the order of the gzip. */
export interface PackedBlock {
  /** Bytes of the tar, and their CRC-32. */
  readonly length: number;
  readonly crc: number;
  /** Bytes of the gzip, and their CRC-32. */
  readonly size: number;
  readonly check: number;
}

/** Which bytes of a gzip are which of its tar. */
export interface BlockTable {
  readonly blob: Digest;
  readonly blocks: readonly PackedBlock[];
}

type Row = readonly [length: number, crc: number, size: number, check: number];

function isRow([length, crc, size, check]: Row): boolean {
  return [length, crc, size, check].every((number) => Number.isSafeInteger(number) && number >= 0) && length > 0 && length <= LONGEST_BLOCK && size <= MOST_COMPRESSED;
}

export function writeBlockTable(file: string, { blob, blocks }: BlockTable, temporary: string): void {
  const rows = blocks.map(({ length, crc, size, check }): Row => [length, crc, size, check]);
  writeFileAtomically(file, JSON.stringify({ version: gzipVersion, blob, blocks: rows }), temporary);
}

/** The table in a file; undefined where there is none, or one of blocks that would be made differently today. */
export function readBlockTable(file: string): BlockTable | undefined {
  try {
    const { version, blob, blocks } = JSON.parse(readFileSync(file, "utf8")) as { version: string; blob: Digest; blocks: readonly Row[] };
    if (version !== gzipVersion || !blocks.every(isRow)) return undefined;
    return { blob, blocks: blocks.map(([length, crc, size, check]) => ({ length, crc, size, check })) };
  } catch (error) {
    // A damaged table costs some time, no more: the blocks are compressed again.
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
