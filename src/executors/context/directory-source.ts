import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import { Thread } from "../../base/thread.ts";
import { baseName, joinPath, parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import type { Digest } from "../../oci/digest.ts";
import { ROW, rowDigest, type FileDigests } from "../../store/file-digests.ts";
import { DEVICE, FileStats, fileTypes, INODE, LINKS, MODE, MTIME, NUMBERS, SIZE } from "../../store/file-stats.ts";
import type { Entry, EntryType } from "../../store/layers/entry.ts";
import type { Located } from "../../store/layers/located.ts";
import { readRange } from "../../store/layers/located.ts";
import { ExecuteError } from "../execute-error.ts";
import type { FileSource, SignedSource, SourceEntry } from "../value.ts";
import { hashFiles, type HashAnswer, type HashAsk } from "./hash-files.ts";
import type { ListAnswer, ListAsk } from "./list-thread.ts";
import { listDirectory, type Listing, placeOf, statInto } from "./listing.ts";
import type { Signature } from "./signature.ts";

/** Threads beyond that wait for the disk, not for a core. */
const MAX_THREADS = 4;
/** What a thread is given at a time; a thread is started only for more than one share. */
const SHARE_FILES = 1000;
const SHARE_BYTES = 32 << 20;
const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [fileTypes.file, "file"],
  [fileTypes.directory, "directory"],
  [fileTypes.symlink, "symlink"],
  [fileTypes.fifo, "fifo"],
  [fileTypes.character, "character"],
  [fileTypes.block, "block"],
]);
/** A thread that lists directories is worth its start from so many on; main's share of them, as the thread starts first. */
const THREAD_FROM = 128;
const OWN_SHARE = 0.55;

/**
 * A directory of this machine as a build context. Owners are 0:0, as BuildKit sends a context; sockets are left out.
 * Every path is looked up component by component from `get` and `children`, which never follow a link: links are
 * followed by the selection, inside the context.
 */
export class DirectorySource implements FileSource, SignedSource {
  readonly name: string;
  readonly #root: string;
  readonly #known: FileDigests | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #hashed = new Map<BytePath, Digest>();
  /** Of the files that were hashed: what was hashed may not be what was listed, or may change unseen. */
  readonly #unsure = new Set<BytePath>();
  #hashing: Promise<void> = Promise.resolve();
  readonly #listed = new Map<BytePath, Listing>();
  readonly #children = new Map<BytePath, readonly SourceEntry[]>();
  /** What was asked for by its path, before its directory was listed. */
  readonly #single = new Map<BytePath, Listed>();

  /** `known` spares reading files that did not change since an earlier build; `signal` ends the reading of the others. */
  constructor(name: string, root: string, { known, signal }: { readonly known?: FileDigests; readonly signal?: AbortSignal } = {}) {
    this.name = name;
    // A context may be named by a link to it.
    this.#root = fs.realpathSync(root, { encoding: "buffer" }).toString("latin1");
    this.#known = known;
    this.#signal = signal;
  }

  get place(): string {
    return this.#root;
  }

  /** Where nothing is remembered, nobody asks for signatures. */
  get signed(): SignedSource | undefined {
    return this.#known === undefined ? undefined : this;
  }

  get(at: BytePath): SourceEntry | undefined {
    const listed = this.#find(at);
    return listed === undefined ? undefined : this.#entry(at, listed.stats, listed.place);
  }

  /** Listed once: all steps of a build see the same files. */
  children(at: BytePath): readonly SourceEntry[] {
    let found = this.#children.get(at);
    if (found === undefined) {
      const { names, stats } = this.#list(at);
      found = names.flatMap((name, place) => this.#entry(joinPath(at, name), stats, place) ?? []);
      this.#children.set(at, found);
    }
    return found;
  }

  async sign(at: BytePath, signature: Signature, sees: Sees = () => true): Promise<void> {
    await this.#listAhead(at, sees);
    const found = this.#find(at);
    if (found === undefined) return;
    signature.stat(found.stats, found.place);
    if (found.stats.type(found.place) === fileTypes.directory) this.#signBelow(at, signature, sees);
  }

  vouches(files: readonly Entry[]): boolean {
    return files.every(({ path: at }) => !this.#unsure.has(at));
  }

  #signBelow(at: BytePath, signature: Signature, sees: Sees): void {
    const { names, stats } = this.#list(at);
    const below: BytePath[] = [];
    for (const [place, name] of names.entries()) {
      const directory = stats.type(place) === fileTypes.directory;
      const path = joinPath(at, name);
      if (!sees(path, directory)) continue;
      signature.text(directory ? `${name}/` : name);
      signature.stat(stats, place);
      if (directory) below.push(path);
    }
    signature.text(""); // no name is that: the directory's end
    for (const path of below) this.#signBelow(path, signature, sees);
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
    return { file: placeOf(this.#file(at)), offset: 0 };
  }

  #paths(entries: readonly Entry[]): string[] {
    return entries.map(({ path: at }) => this.#file(at));
  }

  #note(entries: readonly Entry[], { rows }: HashAnswer): void {
    const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.length);
    for (const [place, entry] of entries.entries()) {
      const asked = this.#find(entry.path)!;
      if (Number(bytes.readBigUInt64LE(place * ROW + 16)) !== entry.size) {
        throw new ExecuteError("bad-context", `${JSON.stringify(pathText(entry.path))} changed its size while it was read`);
      }
      // A directory above it may have become a link meanwhile, which would lead out of the context.
      if (Number(bytes.readBigUInt64LE(place * ROW + 8)) !== asked.stats.number(asked.place, INODE)) {
        throw new ExecuteError("bad-context", `${JSON.stringify(pathText(entry.path))} was replaced while it was read`);
      }
      this.#known?.put(bytes, place * ROW);
      if (this.#known?.get(asked.stats, asked.place) === undefined) this.#unsure.add(entry.path);
      this.#hashed.set(entry.path, rowDigest(bytes, place * ROW));
    }
  }

  /** Lists a directory and those below it, level by level: many of a level with the help of a thread. */
  async #listAhead(top: BytePath, sees: Sees): Promise<void> {
    const found = this.#find(top);
    if (found?.stats.type(found.place) !== fileTypes.directory) return;
    await using thread = new Thread<ListAsk, ListAnswer>(new URL("./list-thread.ts", import.meta.url), this.#signal);
    for (let level = [top]; level.length > 0; ) {
      const own = level.length < THREAD_FROM || availableParallelism() < 2 ? level.length : Math.ceil(level.length * OWN_SHARE);
      const others = level.slice(own).filter((at) => !this.#listed.has(at));
      // What the thread cannot read is met again here, where it can be named.
      const asked = others.length === 0 ? undefined : thread.ask({ directories: others.map((at) => this.#file(at)) }).catch(() => undefined);
      for (const at of level.slice(0, own)) this.#list(at);
      for (const [number, { names, fields }] of (await asked)?.listings.entries() ?? []) {
        // Unless another step listed it meanwhile.
        if (!this.#listed.has(others[number]!)) this.#keep(others[number]!, { names: names === "" ? [] : names.split("\0"), stats: new FileStats(fields) });
      }
      this.#signal?.throwIfAborted();
      level = level.flatMap((at) => this.#directoriesIn(at).filter((below) => sees(below, true)));
    }
  }

  #directoriesIn(at: BytePath): BytePath[] {
    const { names, stats } = this.#list(at);
    return names.flatMap((name, place) => (stats.type(place) === fileTypes.directory ? [joinPath(at, name)] : []));
  }

  #list(at: BytePath): Listing {
    return this.#listed.get(at) ?? this.#keep(at, this.#read(at, () => listDirectory(this.#file(at))));
  }

  /** What was asked for by its path stays what it was then. */
  #keep(at: BytePath, listing: Listing): Listing {
    for (const [path, { stats, place }] of this.#single) {
      const there = path === "" || parentPath(path) !== at ? undefined : placeAmong(listing.names, baseName(path));
      if (there !== undefined) listing.stats.copy(there, stats, place);
    }
    this.#listed.set(at, listing);
    return listing;
  }

  /** Each path is looked at once, so that its entry, its digest and its signature speak of one state. */
  #find(at: BytePath): Listed | undefined {
    const listing = at === "" ? undefined : this.#listed.get(parentPath(at));
    if (listing !== undefined) {
      const place = placeAmong(listing.names, baseName(at));
      return place === undefined ? undefined : { stats: listing.stats, place };
    }
    const known = this.#single.get(at);
    if (known !== undefined) return known;
    const single = { stats: new FileStats(1), place: 0 };
    if (!this.#read(at, () => statInto(single.stats, 0, this.#file(at)))) return undefined;
    this.#single.set(at, single);
    return single;
  }

  #entry(at: BytePath, stats: FileStats, place: number): SourceEntry | undefined {
    const type = TYPES.get(stats.type(place))!;
    const plain = { path: at, type, mode: stats.number(place, MODE) & 0o7777, uid: 0, gid: 0, size: type === "file" ? stats.number(place, SIZE) : 0, mtime: stats.big(place, MTIME) };
    switch (type) {
      case "file": {
        const digest = this.#known?.get(stats, place);
        const entry: Entry = digest === undefined ? plain : { ...plain, digest };
        return stats.number(place, LINKS) > 1 ? { entry, inode: `${stats.number(place, DEVICE)}:${stats.number(place, INODE)}` } : { entry };
      }
      case "symlink": {
        const link = this.#link(at);
        return link === undefined ? undefined : { entry: { ...plain, link } };
      }
      case "character":
      case "block":
        return { entry: { ...plain, ...deviceNumbers(stats.big(place, NUMBERS)) } };
      default:
        return { entry: plain };
    }
  }

  /** Undefined when it went meanwhile. */
  #link(at: BytePath): string | undefined {
    return this.#read(at, () => {
      try {
        return fs.readlinkSync(placeOf(this.#file(at)), { encoding: "buffer" }).toString("latin1");
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  #read<T>(at: BytePath, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw new ExecuteError("bad-context", `cannot read ${JSON.stringify(pathText(at))} in ${this.name}: ${errnoOf(error)}`, { cause: error });
    }
  }

  /** On this machine, a byte string. */
  #file(at: BytePath): string {
    return at === "" ? this.#root : `${this.#root}/${at}`;
  }
}

/** Which entries are looked at. */
type Sees = (at: BytePath, directory: boolean) => boolean;

/** An entry of a listing. */
interface Listed {
  readonly stats: FileStats;
  readonly place: number;
}

/** Where a name stands among sorted ones. */
function placeAmong(names: readonly string[], name: string): number | undefined {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return names[low] === name ? low : undefined;
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
