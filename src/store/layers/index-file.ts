import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { BytePath } from "../../base/byte-path.ts";
import { parseDigest } from "../../oci/digest.ts";
import { writeSmallFile } from "../durable.ts";
import { StoreFailure } from "../store-error.ts";
import type { Entry, EntryType } from "./entry.ts";

const VERSION = 1;

type Line = [path: string, type: EntryType, mode: number, uid: number, gid: number, size: number, mtime: string, rest?: Rest];
interface Rest {
  l?: string;
  o?: 1;
  d?: [number, number];
  x?: [string, string][];
  h?: string;
  a?: number;
}

/** Writes a layer's index: a line with the format's version, then one JSON line an entry. Temporary, fsync, rename. */
export function writeIndex(path: string, entries: readonly Entry[]): void {
  const lines = [JSON.stringify({ version: VERSION, entries: entries.length }), ...entries.map((entry) => JSON.stringify(toLine(entry))), ""];
  writeSmallFile(path, `${path}.${randomBytes(6).toString("hex")}`, lines.join("\n"));
}

/** Reads what {@link writeIndex} wrote. Throws {@link StoreFailure} `mismatch` for another version or a damaged file: the index is then made anew. */
export function readIndex(path: string): Entry[] {
  const [head, ...lines] = readFileSync(path, "utf8").split("\n");
  try {
    const { version, entries } = JSON.parse(head!) as { version?: unknown; entries?: unknown };
    if (version !== VERSION || entries !== lines.length - 1) throw new Error("not an index of this version");
    return lines.slice(0, -1).map((line) => fromLine(JSON.parse(line) as Line));
  } catch (error) {
    throw new StoreFailure("mismatch", `the layer index ${JSON.stringify(path)} is damaged`, { cause: error });
  }
}

function toLine(entry: Entry): Line {
  const rest: Rest = {};
  if (entry.link !== undefined) rest.l = entry.link;
  if (entry.opaque === true) rest.o = 1;
  if (entry.major !== undefined) rest.d = [entry.major, entry.minor ?? 0];
  if (entry.xattrs !== undefined) rest.x = [...entry.xattrs].map(([name, value]) => [name, value.toString("base64")]);
  if (entry.digest !== undefined) rest.h = entry.digest;
  if (entry.offset !== undefined) rest.a = entry.offset;
  const line: Line = [entry.path, entry.type, entry.mode, entry.uid, entry.gid, entry.size, String(entry.mtime)];
  return Object.keys(rest).length === 0 ? line : [...line, rest];
}

function fromLine([path, type, mode, uid, gid, size, mtime, rest]: Line): Entry {
  const digest = parseDigest(rest?.h);
  return {
    path: path as BytePath,
    type,
    mode,
    uid,
    gid,
    size,
    mtime: BigInt(mtime),
    ...(rest?.l === undefined ? {} : { link: rest.l }),
    ...(rest?.o === undefined ? {} : { opaque: true }),
    ...(rest?.d === undefined ? {} : { major: rest.d[0], minor: rest.d[1] }),
    ...(rest?.x === undefined ? {} : { xattrs: new Map(rest.x.map(([name, value]) => [name, Buffer.from(value, "base64")])) }),
    ...(digest === undefined ? {} : { digest }),
    ...(rest?.a === undefined ? {} : { offset: rest.a }),
  };
}
