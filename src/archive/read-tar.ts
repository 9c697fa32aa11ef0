import { ArchiveError } from "./archive-error.ts";
import { ByteReader, truncated } from "./byte-reader.ts";
import { readPaxRecords, type PaxRecords } from "./pax-records.ts";
import { checkSparseMap, expandSparse, readOldSparseMap, readPaxSparseMap, type SparseMap } from "./sparse.ts";
import { BLOCK, paddingAfter, TYPE_OF_FLAG, type TarHeader, type TarType } from "./tar-header.ts";
import { readDecimal, readNumber, readPaxTime } from "./tar-numbers.ts";

/** One member of an archive. The body can be read once, until the next member is asked for; what is not read is skipped. */
export interface TarMember {
  readonly header: TarHeader;
  /** Where the body starts in the archive; undefined for a sparse file, whose content does not lie there as it is. */
  readonly offset: number | undefined;
  readonly body: AsyncIterable<Buffer>;
}

/** Long names and PAX headers are held in memory; the bound is that of Go's archive/tar. */
const MAX_EXTENSION = 1 << 20;
const XATTR = "SCHILY.xattr.";

/** What the extension members before a header say about it. */
interface Extensions {
  records: PaxRecords;
  longName?: string;
  longLink?: string;
}

/**
 * Reads a tar archive of any common dialect: v7, ustar, PAX, GNU (long names, base-256 numbers, sparse files).
 * Reads the source to its end, also what follows the archive's end, so that a hash in passing covers every byte.
 * Throws {@link ArchiveError} for what is not a whole, sound archive.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarMember> {
  const reader = new ByteReader(source);
  let global: PaxRecords = [];
  let extensions: Extensions = { records: [] };
  try {
    for (let block = await nextHeader(reader); block !== undefined; block = await nextHeader(reader)) {
      const flag = String.fromCharCode(block[156]!);
      if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
        const body = await readExtension(block, reader);
        if (flag === "g") global = withGlobal(global, readPaxRecords(body));
        else if (flag === "x") extensions.records = readPaxRecords(body);
        else if (flag === "L") extensions.longName = cString(body);
        else extensions.longLink = cString(body);
        continue;
      }
      const member = await readMember(block, { ...extensions, records: [...global, ...extensions.records] }, reader);
      extensions = { records: [] };
      yield member;
      await member.skip();
    }
    while ((await reader.readSome(Infinity)) !== undefined);
  } finally {
    await reader.close();
  }
}

/** Global records hold for all that follows: the last of a keyword counts, and together they may be no longer than one extension. */
function withGlobal(global: PaxRecords, further: PaxRecords): PaxRecords {
  const records = [...new Map([...global, ...further])];
  const size = records.reduce((sum, [keyword, value]) => sum + keyword.length + value.length, 0);
  if (size > MAX_EXTENSION) {
    throw new ArchiveError("too-large", `the archive's global PAX headers hold ${size} bytes; at most ${MAX_EXTENSION} are kept`);
  }
  return records;
}

/** The next header block, or undefined at the archive's end: zero blocks, or just no more bytes. */
async function nextHeader(reader: ByteReader): Promise<Buffer | undefined> {
  const block = reader.tryRead(BLOCK) ?? (await reader.read(BLOCK, "a header"));
  if (block === undefined || isZero(block)) return undefined;
  checkSum(block);
  return block;
}

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.every((byte) => byte === 0);
}

/** The sum of the header's bytes with its own field as spaces; old writers added the bytes as signed numbers. */
function checkSum(block: Buffer): void {
  const stated = readNumber(block.subarray(148, 156), "checksum");
  let unsigned = 8 * 0x20;
  let signed = 8 * 0x20;
  for (let at = 0; at < BLOCK; at = at === 147 ? 156 : at + 1) {
    const byte = block[at]!;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  if (stated !== unsigned && stated !== signed) {
    throw new ArchiveError("damaged", `a tar header's checksum is ${stated}, but its bytes add up to ${unsigned}: this is no tar archive, or a damaged one`);
  }
}

async function readExtension(block: Buffer, reader: ByteReader): Promise<Buffer> {
  const size = readNumber(block.subarray(124, 136), "size");
  if (size < 0 || size > MAX_EXTENSION) {
    throw new ArchiveError("too-large", `a tar extension header claims ${size} bytes; at most ${MAX_EXTENSION} are read`);
  }
  const body = await reader.read(size + paddingAfter(size), "an extension header");
  if (body === undefined) throw truncated("an extension header", size, 0);
  return Buffer.from(body.subarray(0, size)); // a copy: the chunk it lies in would stay in memory with it
}

async function readMember(block: Buffer, extensions: Extensions, reader: ByteReader): Promise<TarMember & { skip(): Promise<void> }> {
  const flag = String.fromCharCode(block[156]!);
  const { header, stored } = readHeader(block, flag, extensions);
  const sparse = await readSparse(block, flag, extensions.records, reader);
  const size = stored - (sparse?.read ?? 0);
  const body = new Body(reader, size, header.name);
  if (sparse === undefined) {
    return { header, offset: reader.position, body: body.read(size), skip: () => body.skip() };
  }
  checkSparseMap(sparse.map, size);
  const full = { ...header, size: sparse.map.size };
  return { header: full, offset: undefined, body: expandSparse(sparse.map, (piece) => body.read(piece)), skip: () => body.skip() };
}

async function readSparse(block: Buffer, flag: string, records: PaxRecords, reader: ByteReader): Promise<{ map: SparseMap; read: number } | undefined> {
  if (flag === "S") return { map: await readOldSparseMap(block, reader), read: 0 };
  return flag === "0" || flag === "\0" ? await readPaxSparseMap(records, reader) : undefined;
}

/** The bytes of one member that are stored in the archive, with the zeros after them. */
class Body {
  readonly #reader: ByteReader;
  readonly #name: string;
  readonly #padding: number;
  #left: number;

  constructor(reader: ByteReader, size: number, name: string) {
    this.#reader = reader;
    this.#name = name;
    this.#left = size;
    this.#padding = paddingAfter(size);
  }

  async *read(size: number): AsyncGenerator<Buffer> {
    for (let missing = Math.min(size, this.#left); missing > 0; ) {
      const part = this.#reader.tryRead(missing) ?? (await this.#reader.readSome(missing));
      if (part === undefined) throw truncated(this.#what(), size, size - missing);
      missing -= part.length;
      this.#left -= part.length;
      yield part;
    }
  }

  async skip(): Promise<void> {
    const size = this.#left + this.#padding;
    this.#left = 0;
    if (size > 0 && this.#reader.tryRead(size) === undefined) await this.#reader.skip(size, this.#what());
  }

  #what(): string {
    return `the content of ${JSON.stringify(Buffer.from(this.#name, "latin1").toString())}`;
  }
}

function readHeader(block: Buffer, flag: string, extensions: Extensions): { header: TarHeader; stored: number } {
  const pax = new Map<string, string>();
  for (const [keyword, value] of extensions.records) {
    if (value === "") pax.delete(keyword); // takes back an earlier one
    else pax.set(keyword, value);
  }
  const rawName = pax.get("GNU.sparse.name") ?? pax.get("path") ?? extensions.longName ?? headerName(block);
  const type = typeOf(flag, rawName);
  const link = pax.get("linkpath") ?? extensions.longLink ?? cString(block.subarray(157, 257));
  const number = (keyword: string, from: number, to: number) => {
    const given = pax.get(keyword);
    return given === undefined ? readNumber(block.subarray(from, to), keyword) : readDecimal(given, keyword);
  };
  const size = number("size", 124, 136);
  const uid = number("uid", 108, 116);
  const gid = number("gid", 116, 124);
  const time = pax.get("mtime");
  const mtime = time === undefined ? BigInt(readNumber(block.subarray(136, 148), "mtime")) * 1_000_000_000n : readPaxTime(time, "mtime");
  const xattrs = readXattrs(extensions.records);
  const stored = type === "file" ? size : 0;
  checkText(rawName, link, { size, uid, gid });
  const header: TarHeader = {
    name: type === "directory" ? rawName.replace(/\/+$/, "") : rawName,
    type,
    mode: readNumber(block.subarray(100, 108), "mode") & 0o7777,
    uid,
    gid,
    size: stored,
    mtime,
    ...(type === "symlink" || type === "hardlink" ? { link } : {}),
    ...(type === "character" || type === "block"
      ? { major: readNumber(block.subarray(329, 337), "device number"), minor: readNumber(block.subarray(337, 345), "device number") }
      : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
  return { header, stored };
}

/** Before ustar a directory was a file whose name ends in a slash. */
function typeOf(flag: string, name: string): TarType {
  const type = TYPE_OF_FLAG[flag];
  if (type === undefined) {
    throw new ArchiveError("unsupported", `the tar member ${JSON.stringify(name)} has the unknown type ${JSON.stringify(flag)}`);
  }
  return type === "file" && name.endsWith("/") ? "directory" : type;
}

/** A NUL in a name would end it for the kernel, though not for whoever checked it. */
function checkText(name: string, link: string, numbers: Readonly<Record<string, number>>): void {
  if (name.includes("\0") || link.includes("\0")) {
    throw new ArchiveError("damaged", `the tar member ${JSON.stringify(name)} has a NUL in its name or link target`);
  }
  for (const [what, value] of Object.entries(numbers)) {
    if (value < 0) throw new ArchiveError("damaged", `the tar member ${JSON.stringify(name)} has the ${what} ${value}`);
  }
}

/** ustar splits long names; GNU's own magic ("ustar  ") uses the prefix's place otherwise. */
function headerName(block: Buffer): string {
  const name = cString(block.subarray(0, 100));
  const prefix = block.toString("latin1", 257, 263) === "ustar\0" ? cString(block.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function readXattrs(records: PaxRecords): ReadonlyMap<string, Buffer> | undefined {
  let xattrs: Map<string, Buffer> | undefined;
  for (const [keyword, value] of records) {
    if (keyword.startsWith(XATTR)) {
      xattrs ??= new Map();
      xattrs.set(keyword.slice(XATTR.length), Buffer.from(value, "latin1"));
    }
  }
  return xattrs;
}

function cString(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("latin1", 0, end < 0 ? field.length : end);
}
