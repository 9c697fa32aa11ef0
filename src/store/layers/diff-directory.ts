import * as fs from "node:fs";
import type { BytePath } from "../../base/byte-path.ts";
import { joinPath, pathBytes } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { digestOf, type DiffId } from "../../oci/digest.ts";
import { lgetxattr, llistxattr } from "../../sys/files.ts";
import type { LayerTarEntry } from "../layer-tar.ts";
import { composeTar } from "./compose-tar.ts";
import type { Entry, EntryType } from "./entry.ts";
import { writeIndex } from "./index-file.ts";
import { LayerIndex } from "./layer-index.ts";
import { layerPieces } from "./layer-pieces.ts";
import { type Located, readRange } from "./located.ts";

export interface DiffOptions {
  /** Whose attributes mark opaque directories in the upper directory. */
  readonly dialect: "trusted" | "user";
  /** New files for the layer's tar and index. */
  readonly tarPath: string;
  readonly indexPath: string;
  /** The layers below as directories: a mark that hides nothing of them is left out. */
  readonly lowers?: readonly string[];
}

const EMPTY = digestOf("");
/** Attributes that are the file system's or this machine's own. */
const FOREIGN = /^(?:trusted\.overlay\.|user\.overlay\.|security\.selinux$|security\.evm$|security\.ima$|system\.)/;

/**
 * Makes a layer of an overlayfs upper directory: its tar and its index. Whiteouts (character devices 0:0) and opaque
 * directories become facts of the layer (Linux, filesystems/overlayfs.rst, Whiteouts and opaque directories); names of
 * one file become hard links; sockets are left out, as by Docker.
 */
export async function diffDirectory(upper: string, options: DiffOptions): Promise<{ diffId: DiffId; size: number }> {
  const located = new Walker(upper, options).entries();
  const { pieces, columns } = await layerPieces(located.map(({ entry }) => entry), (places) => places.map((place) => located[place]!.located!));
  const expected = located.reduce((sum, { entry }) => sum + entry.size, 0);
  const { composed, digests } = await composeTar(pieces, { target: options.tarPath, expected });
  const { diffId, size } = composed;
  let next = 0;
  for (let place = 0; place < columns.length; place += 1) {
    if (columns.isFile(place)) columns.setDigest(place, columns.size(place) === 0 ? EMPTY : digests[next++]!);
  }
  writeIndex(options.indexPath, new LayerIndex(columns, { tarSize: size, composed: true }));
  return { diffId, size };
}

/** How many bytes the files of a directory have, each once whatever its names. */
export function contentSize(directory: string): number {
  return new Walker(directory, { dialect: "trusted" }).entries().reduce((sum, { entry }) => sum + entry.size, 0);
}

/**
 * A file, or a directory with all that is in it, as entries named `as`, `as/…`, the top first; with an empty `as`
 * only what is in the directory. Nothing is read but at `path`: links in it are not followed.
 */
export function treeEntries(path: string, as: BytePath): LayerTarEntry[] {
  const named = (old: BytePath) => (as === "" ? old : old === "" ? as : joinPath(as, old));
  return new Walker(path, { dialect: "trusted" }).tree().flatMap(({ entry, located }) => {
    if (entry.path === "" && as === "") return [];
    const link = entry.type === "hardlink" ? { link: named((entry.link ?? "") as BytePath) } : {};
    const content = located === undefined ? {} : { content: () => readRange(located, entry.size) };
    return [{ ...content, entry: { ...entry, path: named(entry.path), ...link } }];
  });
}

interface LocatedEntry {
  readonly entry: Entry;
  readonly located?: Located;
}

class Walker {
  readonly #root: Buffer;
  readonly #opaque: string;
  readonly #lowers: readonly Buffer[];
  readonly #found: { readonly entry: Entry; readonly inode?: string }[] = [];

  constructor(upper: string, { dialect, lowers }: Pick<DiffOptions, "dialect" | "lowers">) {
    this.#root = Buffer.from(upper);
    this.#opaque = `${dialect}.overlay.opaque`;
    this.#lowers = (lowers ?? []).map((lower) => Buffer.from(lower));
  }

  entries(): LocatedEntry[] {
    this.#walk("" as BytePath);
    return this.#linked();
  }

  /** The root itself too, which need not be a directory. */
  tree(): LocatedEntry[] {
    const top = this.#entry("" as BytePath);
    if (top === undefined) return []; // a socket
    this.#found.push(top);
    if (top.entry.type === "directory") this.#walk("" as BytePath);
    return this.#linked();
  }

  /** What was found, sorted, with the further names of a file as hard links to its first. */
  #linked(): LocatedEntry[] {
    const sorted = this.#found.sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
    const first = new Map<string, BytePath>();
    return sorted.map(({ entry, inode }) => {
      const target = inode === undefined ? undefined : first.get(inode);
      if (target !== undefined) {
        const { xattrs: _xattrs, ...rest } = entry;
        return { entry: { ...rest, type: "hardlink", size: 0, link: target } };
      }
      if (inode !== undefined) {
        first.set(inode, entry.path);
      }
      return entry.type === "file" ? { entry, located: { file: below(this.#root, entry.path), offset: 0 } } : { entry };
    });
  }

  #walk(directory: BytePath): void {
    for (const name of fs.readdirSync(below(this.#root, directory), { encoding: "buffer" })) {
      const path = joinPath(directory, name.toString("latin1"));
      const found = this.#entry(path);
      if (found === undefined) {
        continue;
      }
      this.#found.push(found);
      if (found.entry.type === "directory") {
        this.#walk(path);
      }
    }
  }

  #entry(path: BytePath): { entry: Entry; inode?: string } | undefined {
    const file = below(this.#root, path);
    const stat = fs.lstatSync(file, { bigint: true });
    const type = typeOf(stat);
    if (type === undefined) {
      return undefined;
    }
    const names = type === "whiteout" ? [] : llistxattr(file);
    const xattrs = new Map(names.filter((name) => !FOREIGN.test(name)).sort().map((name) => [name, lgetxattr(file, name)]));
    const opaque = type === "directory" && names.includes(this.#opaque) && lgetxattr(file, this.#opaque).toString() === "y" && this.#hidesSomething(path);
    const entry: Entry = {
      path,
      type,
      mode: type === "whiteout" ? 0 : Number(stat.mode & 0o7777n),
      uid: type === "whiteout" ? 0 : Number(stat.uid),
      gid: type === "whiteout" ? 0 : Number(stat.gid),
      size: type === "file" ? Number(stat.size) : 0,
      mtime: stat.mtimeNs,
      ...(type === "symlink" ? { link: fs.readlinkSync(file, { encoding: "buffer" }).toString("latin1") } : {}),
      ...(type === "character" || type === "block" ? { major: major(stat.rdev), minor: minor(stat.rdev) } : {}),
      ...(xattrs.size === 0 ? {} : { xattrs }),
      ...(opaque ? { opaque: true as const } : {}),
    };
    return { entry, ...(stat.nlink > 1n && type !== "directory" && type !== "whiteout" ? { inode: `${stat.dev}:${stat.ino}` } : {}) };
  }

  /** overlayfs marks every new directory of a merged one; only where a lower layer has one too does the mark say anything. */
  #hidesSomething(path: BytePath): boolean {
    return this.#lowers.length === 0 || this.#lowers.some((lower) => isDirectory(below(lower, path)));
  }
}

function below(root: Buffer, path: BytePath): Buffer {
  return path === "" ? root : Buffer.concat([root, Buffer.from("/"), pathBytes(path)]);
}

function typeOf(stat: fs.BigIntStats): EntryType | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isCharacterDevice()) return stat.rdev === 0n ? "whiteout" : "character";
  return stat.isBlockDevice() ? "block" : undefined;
}

function major(rdev: bigint): number {
  return Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn));
}

function minor(rdev: bigint): number {
  return Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn));
}

function isDirectory(path: Buffer): boolean {
  try {
    return fs.lstatSync(path).isDirectory();
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
      return false;
    }
    throw error;
  }
}
