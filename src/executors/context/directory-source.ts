import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import { Thread } from "../../base/thread.ts";
import { joinPath, pathBytes, pathText, type BytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import type { Digest } from "../../oci/digest.ts";
import { ROW, rowDigest, type FileDigests } from "../../store/file-digests.ts";
import type { Entry, EntryType } from "../../store/layers/entry.ts";
import type { Located } from "../../store/layers/located.ts";
import { readRange } from "../../store/layers/located.ts";
import { ExecuteError } from "../execute-error.ts";
import type { FileSource, SourceEntry } from "../value.ts";
import { hashFiles, type HashAnswer, type HashAsk } from "./hash-files.ts";

/** Threads beyond that wait for the disk, not for a core. */
const MAX_THREADS = 4;
/** What a thread is given at a time; a thread is started only for more than one share. */
const SHARE_FILES = 1000;
const SHARE_BYTES = 32 << 20;
const ASCII = /^[\x20-\x7e]*$/;

/**
 * A directory of this machine as a build context. Owners are 0:0, as BuildKit sends a context; sockets are left out.
 * Every path is looked up component by component from `get` and `children`, which never follow a link: links are
 * followed by the selection, inside the context.
 */
export class DirectorySource implements FileSource {
  readonly name: string;
  readonly #text: string;
  readonly #root: Buffer;
  readonly #plain: boolean;
  readonly #known: FileDigests | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #hashed = new Map<BytePath, Digest>();
  /** Of the files that are to be hashed, as they were listed. */
  readonly #inodes = new Map<BytePath, number>();
  #hashing: Promise<void> = Promise.resolve();
  readonly #listed = new Map<BytePath, readonly SourceEntry[]>();

  /** `known` spares reading files that did not change since an earlier build; `signal` ends the reading of the others. */
  constructor(name: string, root: string, { known, signal }: { readonly known?: FileDigests; readonly signal?: AbortSignal } = {}) {
    this.name = name;
    // A context may be named by a link to it.
    this.#root = fs.realpathSync(root, { encoding: "buffer" });
    this.#text = this.#root.toString("latin1");
    this.#plain = ASCII.test(this.#text);
    this.#known = known;
    this.#signal = signal;
  }

  get(at: BytePath): SourceEntry | undefined {
    return this.#stat(at);
  }

  /** Listed once: all steps of a build see the same files. */
  children(at: BytePath): readonly SourceEntry[] {
    let found = this.#listed.get(at);
    if (found === undefined) {
      const names = fs.readdirSync(this.#place(at), { encoding: "buffer" }).map((name) => name.toString("latin1"));
      found = names.sort().flatMap((name) => this.get(joinPath(at, name)) ?? []);
      this.#listed.set(at, found);
    }
    return found;
  }

  async digests(entries: readonly Entry[]): Promise<readonly Digest[]> {
    // In turns: two steps that choose the same files at once need them hashed once.
    const hashing = this.#hashing.then(() => this.#hash(entries.filter((entry) => entry.digest === undefined && !this.#hashed.has(entry.path))));
    this.#hashing = hashing.catch(() => undefined);
    await hashing;
    return entries.map((entry) => entry.digest ?? this.#hashed.get(entry.path)!);
  }

  async locate(entries: readonly Entry[]): Promise<readonly Located[]> {
    return entries.map((entry) => this.#located(entry));
  }

  async *read(entry: Entry): AsyncIterable<Buffer> {
    yield* readRange(this.#located(entry), entry.size);
  }

  hiddenBecause(): undefined {
    return undefined;
  }

  /** Many files are hashed in threads, each at the next share of them when it is done with one. */
  async #hash(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) {
      return;
    }
    const shares = sharesOf(entries);
    if (shares.length === 1 && entries.reduce((sum, { size }) => sum + size, 0) < SHARE_BYTES) {
      return this.#note(entries, hashFiles({ paths: this.#paths(entries) }));
    }
    const width = Math.min(availableParallelism(), MAX_THREADS, shares.length);
    await Promise.all(
      Array.from({ length: width }, async () => {
        await using thread = new Thread<HashAsk, HashAnswer>(new URL("./hash-thread.ts", import.meta.url), this.#signal);
        for (let share = shares.shift(); share !== undefined; share = shares.shift()) {
          this.#note(share, await thread.ask({ paths: this.#paths(share) }));
        }
      }),
    );
  }

  #located({ path: at }: Entry): Located {
    return { file: this.#file(at), offset: 0 };
  }

  #paths(entries: readonly Entry[]): string[] {
    return entries.map(({ path: at }) => this.#file(at).toString("latin1"));
  }

  #note(entries: readonly Entry[], { rows }: HashAnswer): void {
    const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.length);
    for (const [place, entry] of entries.entries()) {
      if (Number(bytes.readBigUInt64LE(place * ROW + 16)) !== entry.size) {
        throw new ExecuteError("bad-context", `${JSON.stringify(pathText(entry.path))} changed its size while it was read`);
      }
      // A directory above it may have become a link meanwhile, which would lead out of the context.
      if (Number(bytes.readBigUInt64LE(place * ROW + 8)) !== this.#inodes.get(entry.path)) {
        throw new ExecuteError("bad-context", `${JSON.stringify(pathText(entry.path))} was replaced while it was read`);
      }
      this.#known?.put(bytes, place * ROW);
      this.#hashed.set(entry.path, rowDigest(bytes, place * ROW));
    }
  }

  #stat(at: BytePath): SourceEntry | undefined {
    const file = this.#place(at);
    try {
      const stat = fs.lstatSync(file);
      const known = stat.isFile() ? this.#known?.get(stat) : undefined;
      if (known === undefined) {
        if (stat.isFile()) this.#inodes.set(at, stat.ino);
        return describe(at, file, fs.lstatSync(file, { bigint: true }));
      }
      const entry: Entry = { path: at, type: "file", mode: stat.mode & 0o7777, uid: 0, gid: 0, size: stat.size, mtime: known.mtime, digest: known.digest };
      return stat.nlink > 1 ? { entry, inode: `${stat.dev}:${stat.ino}` } : { entry };
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
        return undefined;
      }
      throw new ExecuteError("bad-context", `cannot read ${JSON.stringify(pathText(at))} in ${this.name}: ${errnoOf(error)}`, { cause: error });
    }
  }

  /** Text where it can be, which Node takes faster than bytes. */
  #place(at: BytePath): string | Buffer {
    return at !== "" && this.#plain && ASCII.test(at) ? `${this.#text}/${at}` : this.#file(at);
  }

  #file(at: BytePath): Buffer {
    return at === "" ? this.#root : Buffer.concat([this.#root, Buffer.from("/"), pathBytes(at)]);
  }
}

function describe(at: BytePath, file: string | Buffer, stat: fs.BigIntStats): SourceEntry | undefined {
  const type = typeOf(stat);
  if (type === undefined) {
    return undefined;
  }
  const entry: Entry = {
    path: at,
    type,
    mode: Number(stat.mode & 0o7777n),
    uid: 0,
    gid: 0,
    size: type === "file" ? Number(stat.size) : 0,
    mtime: stat.mtimeNs,
    ...(type === "symlink" ? { link: fs.readlinkSync(file, { encoding: "buffer" }).toString("latin1") } : {}),
    ...(type === "character" || type === "block" ? deviceNumbers(stat.rdev) : {}),
  };
  return { entry, ...(type === "file" && stat.nlink > 1n ? { inode: `${stat.dev}:${stat.ino}` } : {}) };
}

function typeOf(stat: fs.BigIntStats): EntryType | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isCharacterDevice()) return "character";
  return stat.isBlockDevice() ? "block" : undefined;
}

/** Linux's dev_t split into major and minor (makedev(3)). */
function deviceNumbers(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return { major: Number(major), minor: Number(minor) };
}

/** Files in groups that take about as long as one another. */
function sharesOf(entries: readonly Entry[]): Entry[][] {
  const shares: Entry[][] = [[]];
  let bytes = 0;
  for (const entry of entries) {
    if (shares.at(-1)!.length >= SHARE_FILES || bytes >= SHARE_BYTES) {
      shares.push([]);
      bytes = 0;
    }
    shares.at(-1)!.push(entry);
    bytes += entry.size;
  }
  return shares;
}
