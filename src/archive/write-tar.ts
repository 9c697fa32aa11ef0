import { ArchiveError } from "./archive-error.ts";
import { paxRecordsText } from "./pax-records.ts";
import { BLOCK, paddingAfter, type TarHeader, type TarType } from "./tar-header.ts";
import { writePaxTime } from "./tar-numbers.ts";

/** A member to write. `content` gives exactly `header.size` bytes. */
export interface TarSource {
  readonly header: TarHeader;
  readonly content?: () => Iterable<Buffer> | AsyncIterable<Buffer>;
}

const FLAG_OF_TYPE: Readonly<Record<TarType, string>> = { file: "0", hardlink: "1", symlink: "2", character: "3", block: "4", directory: "5", fifo: "6" };
const ZEROS = Buffer.alloc(2 * BLOCK);
const SECOND = 1_000_000_000n;
const SPACE = 0x20;
const ZERO = 0x30;
const MAX_OCTAL_8 = 0o7777777;
const MAX_OCTAL_12 = 0o77777777777;

/**
 * Writes an archive in the PAX interchange format: ustar headers, with an extended header only where a ustar field
 * cannot hold the value. The same members give the same bytes: no user names, no clock, no process id.
 * Throws {@link ArchiveError} `size-mismatch` when a content is longer or shorter than its header says.
 */
export async function* writeTar(members: Iterable<TarSource> | AsyncIterable<TarSource>): AsyncGenerator<Buffer> {
  for await (const { header, content } of members) {
    yield tarHeader(header);
    if (header.size > 0) {
      yield* exactly(header, content?.() ?? []);
      yield tarPadding(header.size);
    }
  }
  yield tarEnd();
}

async function* exactly(header: TarHeader, content: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > header.size) break;
    yield chunk;
  }
  if (size !== header.size) {
    const found = size > header.size ? "more" : String(size);
    throw new ArchiveError("size-mismatch", `${JSON.stringify(Buffer.from(header.name, "latin1").toString())} changed while it was read: ${header.size} bytes expected, ${found} found`);
  }
}

/** The zeros after a body of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return ZEROS.subarray(0, paddingAfter(size));
}

/** The two zero blocks that end an archive. */
export function tarEnd(): Buffer {
  return ZEROS;
}

/** The header of a member, with the PAX header before it where one is needed. */
export function tarHeader(header: TarHeader): Buffer {
  const name = header.type === "directory" && !header.name.endsWith("/") ? `${header.name}/` : header.name;
  const records = paxRecords(header, name);
  const flag = FLAG_OF_TYPE[header.type];
  if (records.length === 0) {
    const block = Buffer.alloc(BLOCK);
    writeUstar(block, 0, name, flag, header);
    return block;
  }
  const body = paxRecordsText(records);
  const extended: TarHeader = { name: "", type: "file", mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0n };
  const end = BLOCK + body.length + paddingAfter(body.length);
  const blocks = Buffer.alloc(end + BLOCK);
  writeUstar(blocks, 0, `PaxHeaders/${lastPart(name)}`, "x", extended);
  blocks.write(body, BLOCK, "latin1");
  writeUstar(blocks, end, name, flag, header);
  return blocks;
}

/** Sorted by keyword, but the character set first, as it says how to read what follows. */
function paxRecords(header: TarHeader, name: string): [string, string][] {
  const records: [string, string][] = [];
  if (header.gid > MAX_OCTAL_8) records.push(["gid", String(header.gid)]);
  const link = header.link ?? "";
  if (link.length > 100) records.push(["linkpath", link]);
  if (header.mtime % SECOND !== 0n || !fitsTime(header.mtime)) records.push(["mtime", writePaxTime(header.mtime)]);
  if (name.length > 100) records.push(["path", name]);
  if (header.size > MAX_OCTAL_12) records.push(["size", String(header.size)]);
  if (header.uid > MAX_OCTAL_8) records.push(["uid", String(header.uid)]);
  if (records.some(([keyword, value]) => (keyword === "path" || keyword === "linkpath") && !isUtf8(value))) records.unshift(["hdrcharset", "BINARY"]);
  if (header.xattrs === undefined) return records;
  const xattrs = [...header.xattrs].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...records, ...xattrs.map(([key, value]): [string, string] => [`SCHILY.xattr.${key}`, value.toString("latin1")])];
}

function fitsTime(mtime: bigint): boolean {
  return mtime >= 0n && mtime / SECOND <= BigInt(MAX_OCTAL_12);
}

function isUtf8(byteString: string): boolean {
  const bytes = Buffer.from(byteString, "latin1");
  return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}

/** Fields that do not hold their value are cut: the PAX header before says the whole. `into` holds zeros from `at` on. */
function writeUstar(into: Buffer, at: number, name: string, flag: string, { mode, uid, gid, size, mtime, link, type, major, minor }: TarHeader): void {
  into.write(name, at, 100, "latin1");
  writeOctal(into, at + 100, 7, mode);
  writeOctal(into, at + 108, 7, uid > MAX_OCTAL_8 ? 0 : uid);
  writeOctal(into, at + 116, 7, gid > MAX_OCTAL_8 ? 0 : gid);
  writeOctal(into, at + 124, 11, size > MAX_OCTAL_12 ? 0 : size);
  writeOctal(into, at + 136, 11, fitsTime(mtime) ? Number(mtime / SECOND) : 0);
  into.fill(SPACE, at + 148, at + 156);
  into[at + 156] = flag.charCodeAt(0);
  if (link !== undefined) into.write(link, at + 157, 100, "latin1");
  into.write("ustar\u000000", at + 257, "latin1");
  if (type === "character" || type === "block") {
    writeOctal(into, at + 329, 7, major ?? 0);
    writeOctal(into, at + 337, 7, minor ?? 0);
  }
  let sum = 0;
  for (let place = at; place < at + BLOCK; place += 1) sum += into[place]!;
  writeOctal(into, at + 148, 6, sum);
  into[at + 154] = 0;
}

/** So many digits, the lowest last. */
function writeOctal(into: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    into[place] = ZERO + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

function lastPart(name: string): string {
  const end = name.endsWith("/") ? name.replace(/\/+$/, "") : name;
  return end.slice(end.lastIndexOf("/") + 1).slice(0, 80);
}
