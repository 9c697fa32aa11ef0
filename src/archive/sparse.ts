import { ArchiveError } from "./archive-error.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { PaxRecords } from "./pax-records.ts";
import { BLOCK } from "./tar-header.ts";
import { readDecimal, readNumber } from "./tar-numbers.ts";

/** Where the stored bytes of a sparse file belong; holes lie between. */
export interface SparseMap {
  /** Size of the file with its holes. */
  readonly size: number;
  readonly pieces: readonly SparsePiece[];
}

interface SparsePiece {
  readonly offset: number;
  readonly size: number;
}

/** A few bytes of archive can claim a file of any size; reading its zeros would never end. */
const MAX_SPARSE_SIZE = 2 ** 36;
const MAX_PIECES = 1_000_000;
const ZEROS = Buffer.alloc(1 << 20);

/** The map of an old GNU sparse member (type S): four pieces in the header, more in blocks that follow it. */
export async function readOldSparseMap(header: Buffer, reader: ByteReader): Promise<SparseMap> {
  const pieces = readPieces(header.subarray(386, 386 + 4 * 24));
  for (let more = header[482] !== 0; more; ) {
    const block = await reader.read(BLOCK, "a sparse map");
    if (block === undefined) throw new ArchiveError("truncated", "the archive ends where a sparse map should go on");
    pieces.push(...readPieces(block.subarray(0, 21 * 24)));
    more = block[504] !== 0;
    checkCount(pieces.length);
  }
  return { size: readNumber(header.subarray(483, 495), "real size"), pieces };
}

function readPieces(fields: Buffer): SparsePiece[] {
  const pieces: SparsePiece[] = [];
  for (let at = 0; at < fields.length && fields[at] !== 0; at += 24) {
    pieces.push({ offset: readNumber(fields.subarray(at, at + 12), "sparse offset"), size: readNumber(fields.subarray(at + 12, at + 24), "sparse size") });
  }
  return pieces;
}

/** The map of GNU's PAX formats 0.0 (repeated records), 0.1 (one record) or 1.0 (before the data); undefined when the member is not sparse. */
export async function readPaxSparseMap(records: PaxRecords, reader: ByteReader): Promise<{ map: SparseMap; read: number } | undefined> {
  const find = (keyword: string) => records.findLast(([name]) => name === keyword)?.[1];
  const size = find("GNU.sparse.realsize") ?? find("GNU.sparse.size");
  if (size === undefined) return undefined;
  const full = readDecimal(size, "GNU.sparse.realsize");
  if (find("GNU.sparse.major") === "1") {
    const { numbers, read } = await readMapBeforeData(reader);
    return { map: { size: full, pieces: paired(numbers) }, read };
  }
  const listed = find("GNU.sparse.map");
  const numbers = listed === undefined
    ? records.filter(([name]) => name === "GNU.sparse.offset" || name === "GNU.sparse.numbytes").map(([, value]) => value)
    : listed === "" ? [] : listed.split(",");
  return { map: { size: full, pieces: paired(numbers.map((number) => readDecimal(number, "GNU.sparse.map"))) }, read: 0 };
}

/** Decimal numbers, one a line: how many pieces, then offset and size of each; filled up to a block. */
async function readMapBeforeData(reader: ByteReader): Promise<{ numbers: number[]; read: number }> {
  const numbers: number[] = [];
  let wanted = 1;
  let read = 0;
  let rest = "";
  while (numbers.length < wanted) {
    const block = await reader.read(BLOCK, "a sparse map");
    if (block === undefined) throw new ArchiveError("truncated", "the archive ends where a sparse map should go on");
    read += BLOCK;
    const lines = (rest + block.toString("latin1")).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (numbers.length === wanted) break;
      numbers.push(readDecimal(line, "sparse map"));
      if (numbers.length === 1) {
        checkCount(numbers[0]!);
        wanted = 1 + 2 * numbers[0]!;
      }
    }
    if (rest.length > BLOCK) throw new ArchiveError("damaged", "a sparse map holds no numbers");
  }
  return { numbers: numbers.slice(1), read };
}

function paired(numbers: readonly number[]): SparsePiece[] {
  if (numbers.length % 2 !== 0) throw new ArchiveError("damaged", "a sparse map has an offset without a size");
  checkCount(numbers.length / 2);
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({ offset: numbers[2 * index]!, size: numbers[2 * index + 1]! }));
}

function checkCount(pieces: number): void {
  if (pieces > MAX_PIECES || pieces < 0) throw new ArchiveError("too-large", `a sparse map claims ${pieces} pieces; at most ${MAX_PIECES} are read`);
}

/** Refuses maps whose pieces overlap, run backwards or do not fill the stored bytes. */
export function checkSparseMap(map: SparseMap, stored: number): void {
  if (map.size < 0 || map.size > MAX_SPARSE_SIZE) {
    throw new ArchiveError("too-large", `a sparse file claims ${map.size} bytes; at most ${MAX_SPARSE_SIZE} are read`);
  }
  let end = 0;
  let total = 0;
  for (const piece of map.pieces) {
    if (piece.size < 0 || piece.offset < end || piece.offset + piece.size > map.size) {
      throw new ArchiveError("damaged", `a sparse map places ${piece.size} bytes at ${piece.offset}, after ${end} and in a file of ${map.size}`);
    }
    end = piece.offset + piece.size;
    total += piece.size;
  }
  if (total !== stored) throw new ArchiveError("damaged", `a sparse map places ${total} bytes, but ${stored} are stored`);
}

/** A sparse file's content with its holes as zeros. `stored` gives the bytes of the archive. */
export async function* expandSparse(map: SparseMap, stored: (size: number) => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let at = 0;
  for (const piece of map.pieces) {
    yield* zeros(piece.offset - at);
    yield* stored(piece.size);
    at = piece.offset + piece.size;
  }
  yield* zeros(map.size - at);
}

function* zeros(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= ZEROS.length) {
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}

