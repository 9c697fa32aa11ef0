import { ArchiveError } from "./archive-error.ts";
import { writePaxRecords } from "./pax-records.ts";
import { BLOCK, paddingAfter, type TarHeader, type TarType } from "./tar-header.ts";
import { writePaxTime } from "./tar-numbers.ts";

/** A member to write. `content` gives exactly `header.size` bytes. */
export interface TarSource {
  readonly header: TarHeader;
  readonly content?: () => Iterable<Buffer> | AsyncIterable<Buffer>;
}

const FLAG_OF_TYPE: Readonly<Record<TarType, string>> = { file: "0", hardlink: "1", symlink: "2", character: "3", block: "4", directory: "5", fifo: "6" };
const ZEROS = Buffer.alloc(2 * BLOCK);
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
  const block = ustarBlock(name, FLAG_OF_TYPE[header.type], header);
  if (records.length === 0) return block;
  const body = writePaxRecords(records);
  const extended: TarHeader = { name: "", type: "file", mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0n };
  return Buffer.concat([ustarBlock(`PaxHeaders/${lastPart(name)}`, "x", extended), body, tarPadding(body.length), block]);
}

/** Sorted by keyword, but the character set first, as it says how to read what follows. */
function paxRecords(header: TarHeader, name: string): [string, string][] {
  const records: [string, string][] = [];
  if (header.gid > MAX_OCTAL_8) records.push(["gid", String(header.gid)]);
  const link = header.link ?? "";
  if (link.length > 100) records.push(["linkpath", link]);
  if (header.mtime % 1_000_000_000n !== 0n || !fitsTime(header.mtime)) records.push(["mtime", writePaxTime(header.mtime)]);
  if (name.length > 100) records.push(["path", name]);
  if (header.size > MAX_OCTAL_12) records.push(["size", String(header.size)]);
  if (header.uid > MAX_OCTAL_8) records.push(["uid", String(header.uid)]);
  const names = records.filter(([keyword]) => keyword === "path" || keyword === "linkpath");
  if (!names.every(([, value]) => isUtf8(value))) records.unshift(["hdrcharset", "BINARY"]);
  const xattrs = [...(header.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...records, ...xattrs.map(([key, value]): [string, string] => [`SCHILY.xattr.${key}`, value.toString("latin1")])];
}

function fitsTime(mtime: bigint): boolean {
  return mtime >= 0n && mtime / 1_000_000_000n <= BigInt(MAX_OCTAL_12);
}

function isUtf8(byteString: string): boolean {
  const bytes = Buffer.from(byteString, "latin1");
  return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}

/** Fields that do not hold their value are cut: the PAX header before says the whole. */
function ustarBlock(name: string, flag: string, header: TarHeader): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name.slice(0, 100), 0, "latin1");
  block.write(octal(header.mode, 7), 100);
  block.write(octal(header.uid > MAX_OCTAL_8 ? 0 : header.uid, 7), 108);
  block.write(octal(header.gid > MAX_OCTAL_8 ? 0 : header.gid, 7), 116);
  block.write(octal(header.size > MAX_OCTAL_12 ? 0 : header.size, 11), 124);
  block.write(octal(fitsTime(header.mtime) ? Number(header.mtime / 1_000_000_000n) : 0, 11), 136);
  block.write("        ", 148);
  block.write(flag, 156);
  block.write((header.link ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257);
  if (header.type === "character" || header.type === "block") {
    block.write(octal(header.major ?? 0, 7), 329);
    block.write(octal(header.minor ?? 0, 7), 337);
  }
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function lastPart(name: string): string {
  return name.replace(/\/+$/, "").split("/").at(-1)!.slice(0, 80);
}
