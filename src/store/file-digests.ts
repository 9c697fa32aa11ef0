import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, type BigIntStats } from "node:fs";
import path from "node:path";
import { digestOf, hexOf, type Digest } from "../oci/digest.ts";
import { CTIME, FIELDS as STAT_FIELDS, INODE, MTIME, STATE_BYTES, type FileStats } from "./file-stats.ts";
import { keepNewest } from "./keep-newest.ts";
import { writeFileAtomically } from "./write-file.ts";

/** What a file was when it was hashed: a row as {@link FileDigests} keeps it, {@link ROW} bytes. */
export const ROW = 80;
/** A row in numbers of 64 bits; the digest takes four. */
const FIELDS = ROW / 8;
/** The first five are those of {@link FileStats}. */
const HASHED = 9;
const MAGIC = Buffer.from("laminate file digests 1\n".padEnd(32, " "));
const HASH = 32;
/**
 * A file changed within such a time of being looked at may change again with the same times (git's "racily clean"
 * entries): as long as a tick of the clock that dates files, with room to spare. Nanoseconds.
 */
const TICK = 100_000_000n;
/** The same where times are whole seconds, or two (FAT). */
const COARSE_TICK = 2_000_000_000n;
const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;

/** From when on a file with these times cannot change any more without another of them; nanoseconds since the epoch. */
export function settledFrom(mtime: bigint, ctime: bigint): bigint {
  // The kernel dates changes as finely as the file system keeps it; a modification time may be anybody's.
  const tick = ctime % SECOND === 0n ? COARSE_TICK : TICK;
  return (mtime > ctime ? mtime : ctime) + tick;
}

/** Rows that no build asked for in so long are dropped. Milliseconds. */
const KEPT = 30 * 24 * 3600 * 1000;
/** Directories whose digests are kept: a build in a new scratch directory each time must not fill the disk. */
const DIRECTORIES = 64;
/** So many files hashed again only because they were young are worth writing, so that the next build need not. */
const WORTH_WRITING = 256;

/** Writes a row: the file's stat as it was just before its content was read, the content's sha256, and when that was. */
export function writeRow(row: Buffer, at: number, stat: BigIntStats, sha256: Buffer, now: number): void {
  row.writeBigUInt64LE(BigInt.asUintN(64, stat.dev), at);
  row.writeBigUInt64LE(BigInt.asUintN(64, stat.ino), at + 8);
  row.writeBigUInt64LE(stat.size, at + 16);
  row.writeBigInt64LE(stat.mtimeNs, at + 24);
  row.writeBigInt64LE(stat.ctimeNs, at + 32);
  sha256.copy(row, at + 40);
  row.writeBigUInt64LE(BigInt(now), at + 72);
}

/** The digest in a row. */
export function rowDigest(rows: Buffer, at: number): Digest {
  return `sha256:${rows.toString("hex", at + 40, at + 72)}` as Digest;
}

/**
 * The digests of the files of one directory of this machine, by what lstat says of them: device, inode, size, mtime and
 * ctime. A file of which all five are as they were when it was hashed is not read again, unless it was then so young
 * that a change in the same clock tick could hide (git, Documentation/technical/racy-git). A damaged file is no file.
 */
export class FileDigests {
  readonly #file: string;
  readonly #temporary: () => string;
  #loaded: Rows | undefined;
  readonly #seen = new Set<number>();
  #changed = 0;
  #renewed = 0;

  constructor(file: string, temporary: () => string) {
    this.#file = file;
    this.#temporary = temporary;
  }

  /** The content's digest, if it is known for sure, of the file that lstat describes so. */
  get(stats: FileStats, place: number): Digest | undefined {
    const rows = this.#rows();
    const row = rows.byInode.get(stats.number(place, INODE));
    if (row === undefined) return undefined;
    const at = row * ROW;
    const from = place * STAT_FIELDS * 8;
    if (rows.bytes.compare(stats.bytes, from, from + STATE_BYTES, at, at + STATE_BYTES) !== 0) return undefined;
    const hashed = rows.fields[row * FIELDS + HASHED]! * MILLISECOND;
    if (settledFrom(stats.big(place, MTIME), stats.big(place, CTIME)) >= hashed) return undefined;
    this.#seen.add(row);
    return rowDigest(rows.bytes, at);
  }

  /** Takes in the row at `at` of a buffer that {@link writeRow} filled. */
  put(from: Buffer, at: number): void {
    const rows = this.#rows();
    const inode = Number(from.readBigUInt64LE(at + 8));
    let row = rows.byInode.get(inode);
    if (row === undefined) {
      row = rows.add(inode);
      this.#changed += 1;
    } else if (from.compare(rows.bytes, row * ROW, row * ROW + 72, at, at + 72) === 0) {
      this.#renewed += 1;
    } else {
      this.#changed += 1;
    }
    from.copy(rows.bytes, row * ROW, at, at + ROW);
    this.#seen.add(row);
  }

  /** Writes what was learned, if that is worth a write and the disk takes it: a build in which nothing is new writes nothing. */
  save(now: number): void {
    if (this.#changed === 0 && this.#renewed < WORTH_WRITING) return;
    try {
      this.#write(now);
    } catch {
      // It spares the next build some reading, no more: this one has its own result, or its own failure to tell.
    }
  }

  #write(now: number): void {
    const { bytes: all, fields, count } = this.#rows();
    const kept: Buffer[] = [MAGIC];
    for (let row = 0; row < count; row += 1) {
      const at = row * ROW;
      if (this.#seen.has(row) || Number(fields[row * FIELDS + HASHED]) > now - KEPT) kept.push(all.subarray(at, at + ROW));
    }
    const bytes = Buffer.concat(kept);
    mkdirSync(path.dirname(this.#file), { recursive: true });
    if (!existsSync(this.#file)) keepNewest(path.dirname(this.#file), DIRECTORIES - 1);
    writeFileAtomically(this.#file, Buffer.concat([bytes, createHash("sha256").update(bytes).digest()]), this.#temporary());
    this.#changed = 0;
    this.#renewed = 0;
  }

  #rows(): Rows {
    return (this.#loaded ??= new Rows(readRows(this.#file)));
  }
}

/** Rows, found by inode. */
class Rows {
  bytes: Buffer;
  /** The same as numbers, {@link FIELDS} a row. */
  fields: BigUint64Array;
  count: number;
  readonly byInode = new Map<number, number>();

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.fields = fieldsOf(bytes);
    this.count = bytes.length / ROW;
    for (let row = 0; row < this.count; row += 1) {
      this.byInode.set(Number(this.fields[row * FIELDS + INODE]), row);
    }
  }

  /** The number of a new row, which is still empty. */
  add(inode: number): number {
    const row = this.count;
    this.count += 1;
    this.byInode.set(inode, row);
    if (this.count * ROW > this.bytes.length) {
      const bytes = Buffer.alloc(Math.max(64, this.count * 2) * ROW);
      this.bytes.copy(bytes);
      this.bytes = bytes;
      this.fields = fieldsOf(bytes);
    }
    return row;
  }
}

function fieldsOf(rows: Buffer): BigUint64Array {
  return new BigUint64Array(rows.buffer, rows.byteOffset, rows.length / 8);
}

/** The file below the store that holds the digests of a directory. */
export function fileDigestsPath(root: string, directory: string): string {
  return path.join(root, "file-digests", hexOf(digestOf(directory)).slice(0, 32));
}

function readRows(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
  const end = bytes.length - HASH;
  const whole = end >= MAGIC.length && (end - MAGIC.length) % ROW === 0 && bytes.subarray(0, MAGIC.length).equals(MAGIC);
  return whole && createHash("sha256").update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end)) ? aligned(bytes.subarray(MAGIC.length, end)) : Buffer.alloc(0);
}

/** A copy whose numbers can be read in place. */
function aligned(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
}
