import { decompressStream, formatOf } from "../../archive/decompress.ts";
import { BLOCK } from "../../archive/tar-header.ts";
import type { Entry } from "../../store/layers/entry.ts";
import type { FileSource } from "../value.ts";

/** Where a tar header keeps its checksum (POSIX ustar). */
const CHECKSUM = { start: 148, end: 156 } as const;

/** Whether ADD unpacks this file: a tar, plain or in gzip, bzip2, xz or zstd, told by its content and not by its name (Dockerfile reference, ADD). */
export async function isArchive(source: FileSource, entry: Entry): Promise<boolean> {
  if (entry.type !== "file" || entry.size < 20) {
    return false;
  }
  const start = await firstBytes(source.read(entry), BLOCK);
  if (formatOf(start) === "plain") {
    return isTarHeader(start);
  }
  try {
    return isTarHeader(await firstBytes(decompressStream(source.read(entry)), BLOCK));
  } catch {
    return false; // it only began like a compressed file
  }
}

async function firstBytes(stream: AsyncIterable<Buffer>, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= count) {
      break;
    }
  }
  return bytes.subarray(0, count);
}

/** The header's own checksum: the sum of its bytes with the field itself taken as spaces. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK) {
    return false;
  }
  const stored = Number.parseInt(block.toString("latin1", CHECKSUM.start, CHECKSUM.end).replace(/[\0 ]+$/, "").trim(), 8);
  const sum = block.reduce((total, byte, place) => total + (place >= CHECKSUM.start && place < CHECKSUM.end ? 0x20 : byte), 0);
  return stored === sum;
}
