import { readFile } from "node:fs/promises";
import { closeSync, fsyncSync, openSync, writeFileSync } from "node:fs";
import type { BytePath } from "../../base/byte-path.ts";
import type { Digest } from "../../oci/digest.ts";
import { StoreFailure } from "../store-error.ts";
import type { Entry } from "./entry.ts";
import { LayerIndex } from "./layer-index.ts";

const VERSION = 1;

type Line = Omit<Entry, "mtime" | "xattrs"> & { readonly mtime: string; readonly xattrs?: Readonly<Record<string, string>> };

/** Writes a layer's index to a new file and syncs it. `size` is that of the layer's uncompressed tar, in bytes. */
export function writeIndex(path: string, entries: readonly Entry[], size: number): void {
  const file = openSync(path, "wx", 0o644);
  try {
    writeFileSync(file, JSON.stringify({ version: VERSION, size, entries: entries.map(lineOf) }));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads an index that {@link writeIndex} wrote. Throws StoreFailure `damaged` for anything else. */
export async function readIndex(path: string): Promise<LayerIndex & { readonly tarSize: number }> {
  try {
    const { version, size, entries } = JSON.parse(await readFile(path, "utf8")) as { version: number; size: number; entries: Line[] };
    if (version !== VERSION) {
      throw new Error(`version ${version}`);
    }
    return Object.assign(new LayerIndex(entries.map(entryOf)), { tarSize: size });
  } catch (error) {
    throw new StoreFailure("damaged", `read the layer index ${JSON.stringify(path)}: ${error instanceof Error ? error.message : ""}`, { cause: error });
  }
}

function lineOf({ mtime, xattrs, ...rest }: Entry): Line {
  return { ...rest, mtime: `${mtime}`, ...(xattrs === undefined ? {} : { xattrs: Object.fromEntries([...xattrs].map(([name, value]) => [name, value.toString("base64")])) }) };
}

function entryOf({ mtime, xattrs, ...rest }: Line): Entry {
  return {
    ...rest,
    path: rest.path as BytePath,
    ...(rest.digest === undefined ? {} : { digest: rest.digest as Digest }),
    mtime: BigInt(mtime),
    ...(xattrs === undefined ? {} : { xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value, "base64")])) }),
  };
}
