import { hash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { BytePath } from "../../base/byte-path.ts";
import { parseDigest, type Digest } from "../../oci/digest.ts";
import { StoreFailure } from "../store-error.ts";
import { EntryColumns, numbersOf } from "./entry-columns.ts";
import { LayerIndex } from "./layer-index.ts";
import type { More } from "./same-entry.ts";

/*
 * An index is its columns as they are in memory: a line that names the version, a head, the columns of numbers, the
 * paths with a NUL after each, and the sha256 of it all. Nothing is parsed but the head.
 */

const MAGIC = Buffer.from("laminate index 3\n".padEnd(32, " "));
/** The head's length, in so many bytes. */
const LENGTH = 8;
const HEAD_AT = MAGIC.length + LENGTH;
const ALIGNED = 8;
/** More than most heads take. Bytes. */
const FIRST_READ = 1 << 12;
const HASH = 32;

interface Head {
  /** Entries. */
  readonly count: number;
  /** Bytes of the layer's uncompressed tar. */
  readonly size: number;
  /** Whether the tar is one that we composed of these entries: then it says them in one way only. */
  readonly composed: boolean;
  /** What it says, apart from when. */
  readonly identity: Digest;
  /** What few entries have, by the entry's place. */
  readonly more: readonly (readonly [place: number, more: MoreText])[];
}

type MoreText = Omit<More, "xattrs"> & { readonly xattrs?: readonly (readonly [name: string, value: string])[] };

/** Writes a layer's index to a new file and syncs it. */
export function writeIndex(path: string, index: LayerIndex): void {
  const { columns, tarSize: size, composed, identity } = index;
  const head = headBytes({ count: columns.length, size, composed, identity, more: [...columns.more].map(([place, more]) => [place, written(more)] as const) });
  const numbers = Object.values(columns.numbers).map((column) => padded(Buffer.from(column.buffer, column.byteOffset, column.byteLength)));
  const bytes = Buffer.concat([MAGIC, head, ...numbers, Buffer.from(columns.paths.map((each) => `${each}\0`).join(""), "latin1")]);
  const file = openSync(path, "wx", 0o644);
  try {
    for (const part of [bytes, hash("sha256", bytes, "buffer")]) writeFileSync(file, part);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads an index that {@link writeIndex} wrote. Throws StoreFailure `damaged` for anything else. */
export async function readIndex(path: string): Promise<LayerIndex> {
  try {
    return indexOf(await readFile(path));
  } catch (error) {
    throw new StoreFailure("damaged", `read the layer index ${JSON.stringify(path)}: ${error instanceof Error ? error.message : ""}`, { cause: error });
  }
}

/** The identity of the layer of such an index, for which only its beginning is read; undefined where that does not tell it. */
export function readIdentity(path: string): Digest | undefined {
  const first = Buffer.alloc(FIRST_READ);
  try {
    const file = openSync(path, "r");
    try {
      const bytes = first.subarray(0, readSync(file, first));
      return bytes.subarray(0, MAGIC.length).equals(MAGIC) ? parseDigest(headOf(bytes).head.identity) : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // a long head, or a damaged one
  }
}

function indexOf(file: Buffer): LayerIndex {
  const bytes = file.subarray(0, Math.max(0, file.length - HASH));
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error("it is of another version");
  if (!hash("sha256", bytes, "buffer").equals(file.subarray(bytes.length))) throw new Error("its digest is not that of its content");
  const { head, end } = headOf(bytes);
  const { count, size, composed, identity, more } = head;
  let at = aligned(end);
  const numbers = numbersOf(count);
  for (const column of Object.values(numbers)) {
    bytes.copy(Buffer.from(column.buffer), 0, at, at + column.byteLength);
    at += aligned(column.byteLength);
  }
  const paths = count === 0 ? [] : bytes.toString("latin1", at, bytes.length - 1).split("\0");
  return new LayerIndex(new EntryColumns({ paths: paths as BytePath[], numbers, more: new Map(more.map(([place, each]) => [place, read(each)])) }), { tarSize: size, composed, identity });
}

/** The head and where it ends. */
function headOf(bytes: Buffer): { readonly head: Head; readonly end: number } {
  const end = HEAD_AT + Number(bytes.readBigUInt64LE(MAGIC.length));
  return { head: JSON.parse(bytes.toString("utf8", HEAD_AT, end)) as Head, end };
}

function headBytes(head: Head): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, padded(text)]);
}

function written({ xattrs, ...more }: More): MoreText {
  return xattrs === undefined ? more : { ...more, xattrs: [...xattrs].map(([name, value]) => [name, value.toString("base64")]) };
}

function read({ xattrs, ...more }: MoreText): More {
  return xattrs === undefined ? more : { ...more, xattrs: new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, "base64")])) };
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes], aligned(bytes.length));
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNED) * ALIGNED;
}
