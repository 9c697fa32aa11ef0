import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import { parentPath, pathBytes, pathText, type BytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { Thread } from "../../base/thread.ts";
import { unreachable } from "../../base/unreachable.ts";
import { freeMemory, lsetxattr, mknod, setFileTimes, setTimes } from "../../sys/files.ts";
import { StoreFailure } from "../store-error.ts";
import { fromThread } from "../thread-failure.ts";
import type { Entry } from "./entry.ts";
import { readIndex } from "./index-file.ts";
import { FilesBehind } from "./files-behind.ts";
import type { LayerIndex } from "./layer-index.ts";
import { readLayer } from "./read-layer.ts";
import { StoredTar, type TarPart } from "./stored-tar.ts";

/** A layer's index file and the stretches of its tar. */
export interface LayerFiles {
  readonly index: string;
  readonly parts: readonly TarPart[];
}

export interface UnpackOptions {
  /** Whose attributes and devices mark whiteouts: overlayfs's as root, or those of a mount with `userxattr`. */
  readonly dialect: "trusted" | "user";
  /** Give files their owners; only for who may. */
  readonly owners: boolean;
}

/** Entries of an index, by their places. */
interface Share {
  readonly from: number;
  readonly to: number;
}

/** What a thread is to unpack of a layer. */
export interface UnpackAsk {
  readonly files: LayerFiles;
  readonly target: string;
  readonly options: UnpackOptions;
  readonly share: Share;
}

/** A layer that takes less than making so many small files is done before a thread has started. */
const THREADS_FROM = 4000;
/** Bytes that are copied in the time in which a file is made. */
const BYTES_A_FILE = 64 << 10;
/** A file from this size on goes to the disk by itself. Bytes. */
const LARGE = 1 << 20;
const MOST_THREADS = 4;
const READ_SIZE = 1 << 20;
const MAX_LINKS = 40;
/** Bits of a mode that open(2) may leave out, by the umask or because they are special. */
const UNSURE_BITS = 0o7022;
const TYPE_BITS = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/**
 * Makes a layer a directory, with overlayfs's own whiteouts, so that it can be a lowerdir. `target` is empty. Every parent
 * is a directory that was made here, as the index's entries come sorted and none lies below a link; so no link is ever
 * followed. Throws StoreFailure or ArchiveError.
 */
export async function unpackLayer(files: LayerFiles, target: string, options: UnpackOptions): Promise<void> {
  const layer = await readIndex(files.index);
  const { entries } = layer;
  const [own, ...others] = sharesOf(entries);
  using unpacker = new Unpacker(target, new StoredTar(files.parts), options);
  for (const entry of entries) {
    if (entry.type !== "file" && entry.type !== "hardlink") unpacker.put(entry);
    else if (entry.path !== "") unpacker.ensureParent(entry.path);
  }
  await inThreads(others.map((share) => ({ files, target, options, share })), () => unpacker.putFiles(entries, own!));
  for (const entry of entries) {
    if (entry.type === "hardlink") unpacker.link(entry, fileOf(entry, layer)); // its file may come after it
  }
  if (entries.some(liesInPieces)) {
    await unpacker.putSparse();
  }
  unpacker.finish();
}

/** The files of a share, into directories that are there. */
export async function unpackShare({ files, target, options, share }: UnpackAsk): Promise<void> {
  const { entries } = await readIndex(files.index);
  using unpacker = new Unpacker(target, new StoredTar(files.parts), options);
  unpacker.putFiles(entries, share);
}

/** A thread a share, and one's own work besides. */
async function inThreads(asks: readonly UnpackAsk[], own: () => void): Promise<void> {
  await using threads = new AsyncDisposableStack();
  const asked = asks.map((ask) => threads.use(new Thread<UnpackAsk, null>(new URL("./unpack-thread.ts", import.meta.url))).ask(ask));
  for (const each of asked) each.catch(() => undefined); // seen below, if one's own work does not fail before
  own();
  await Promise.all(asked).catch((error: unknown) => {
    throw fromThread(error);
  });
}

/** Entries in as many shares as there are cores, of about as much work. */
function sharesOf(entries: readonly Entry[]): Share[] {
  const before = [0]; // work before each entry
  for (const { size } of entries) before.push(before.at(-1)! + 1 + size / BYTES_A_FILE);
  const all = before.at(-1)!;
  const count = all < THREADS_FROM ? 1 : Math.min(availableParallelism(), MOST_THREADS);
  const bounds = Array.from({ length: count + 1 }, (_, number) => before.findIndex((work) => work >= (all * number) / count));
  return bounds.slice(1).map((to, number) => ({ from: bounds[number]!, to: number === count - 1 ? entries.length : to }));
}

/** The path of the file that a hard link names, through further links. Throws StoreFailure `unsafe-tar` where there is none. */
function fileOf(link: Entry, index: LayerIndex): BytePath {
  let entry: Entry | undefined = link;
  for (let hops = 0; entry?.type === "hardlink" && hops <= MAX_LINKS; hops += 1) {
    entry = index.get((entry.link ?? "") as BytePath);
  }
  if (entry === undefined || entry.type === "hardlink" || entry.type === "directory" || entry.type === "whiteout") {
    throw new StoreFailure("unsafe-tar", `${JSON.stringify(pathText(link.path))} of the layer is a hard link to ${JSON.stringify(pathText(link.link ?? ""))}, which is no file of the layer`);
  }
  return entry.path;
}

/** Of a sparse file the tar keeps only what is between the holes. */
function liesInPieces({ type, size, offset }: Entry): boolean {
  return type === "file" && size > 0 && offset === undefined;
}

class Unpacker implements Disposable {
  readonly #root: Buffer;
  readonly #tar: StoredTar;
  readonly #options: UnpackOptions;
  readonly #directories = new Map<BytePath, Entry>();
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  readonly #open = new Map<string, number>();
  readonly #behind = new FilesBehind();
  /** Devices that may not be made here. */
  readonly #leftOut = new Set<BytePath>();

  constructor(target: string, tar: StoredTar, options: UnpackOptions) {
    this.#root = Buffer.from(target);
    this.#tar = tar;
    this.#options = options;
  }

  putFiles(entries: readonly Entry[], { from, to }: Share): void {
    for (let place = from; place < to; place += 1) {
      const entry = entries[place]!;
      if (entry.type === "file") this.#putFile(entry, this.#file(entry.path));
    }
  }

  /** Anything but a file with a name of its own, or of others. */
  put(entry: Entry): void {
    if (entry.path !== "") {
      this.ensureParent(entry.path);
    }
    const file = this.#file(entry.path);
    switch (entry.type) {
      case "directory":
        return this.#putDirectory(entry, file);
      case "file":
      case "hardlink":
        throw new Error("Internal error: files have their own ways");
      case "whiteout":
        return mknod(file, TYPE_BITS.character, 0, 0);
      case "symlink":
        fs.symlinkSync(pathBytes(entry.link ?? ""), file);
        break;
      case "fifo":
        mknod(file, TYPE_BITS.fifo | 0o600, 0, 0);
        break;
      case "character":
      case "block":
        if (!makeDevice(file, entry)) {
          this.#leftOut.add(entry.path);
          return;
        }
        break;
      default:
        unreachable(entry.type);
    }
    this.#describe(entry);
  }

  /** A further name of a file, which has what the file has. */
  link({ path }: Entry, file: BytePath): void {
    if (this.#leftOut.has(file)) {
      return;
    }
    this.ensureParent(path);
    fs.linkSync(this.#file(file), this.#file(path));
  }

  /** The contents of sparse files, for which the tar is read through; their holes stay holes. */
  async putSparse(): Promise<void> {
    for await (const member of readLayer(this.#tar.read())) {
      if (member.kind === "entry" && liesInPieces(member.entry)) {
        await writeSparse(this.#file(member.entry.path), member.body, member.entry);
      }
    }
  }

  /** Directories, the deepest first, so that no later one touches the time of an earlier. */
  finish(): void {
    for (const entry of [...this.#directories.values()].sort((a, b) => (a.path < b.path ? 1 : -1))) {
      this.#describe(entry);
    }
  }

  [Symbol.dispose](): void {
    for (const file of this.#open.values()) fs.closeSync(file);
    this.#behind[Symbol.dispose]();
  }

  /** It takes its mode and times when nothing more is put into it. */
  #putDirectory(entry: Entry, file: Buffer): void {
    if (entry.path !== "") {
      fs.mkdirSync(file, 0o700);
    }
    this.#directories.set(entry.path, entry);
    if (entry.opaque === true) {
      lsetxattr(file, `${this.#options.dialect}.overlay.opaque`, Buffer.from("y"));
    }
  }

  /** As few calls a file as can be: most layers are thousands of small ones, of root's, with plain modes. */
  #putFile(entry: Entry, path: Buffer): void {
    const { uid, gid, mode, size, offset, xattrs, mtime } = entry;
    const file = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW, mode & 0o777);
    try {
      if (size > 0 && offset !== undefined) {
        this.#copy(file, offset, size);
      }
      const given = this.#options.owners && (uid !== 0 || gid !== 0);
      if (given) {
        chown(path, entry);
      }
      if (given || (mode & UNSURE_BITS) !== 0) {
        fs.fchmodSync(file, mode); // after the owner, whose change takes setuid away
      }
      for (const [name, value] of xattrs ?? []) {
        setAttribute(path, name, value); // after the owner too: its change takes capabilities away
      }
      setFileTimes(file, mtime);
    } catch (error) {
      fs.closeSync(file);
      throw error;
    }
    if (size < LARGE) fs.closeSync(file);
    else this.#behind.take(file, size);
  }

  #copy(file: number, offset: number, size: number): void {
    for (const stretch of this.#tar.stretches(offset, offset + size)) {
      const source = this.#source(stretch.file);
      for (let done = 0; done < stretch.length; ) {
        const count = fs.readSync(source, this.#buffer, 0, Math.min(READ_SIZE, stretch.length - done), stretch.offset + done);
        if (count === 0) {
          throw new StoreFailure("damaged", `${JSON.stringify(stretch.file)} is shorter than its layer's index says`);
        }
        for (let written = 0; written < count; ) {
          written += fs.writeSync(file, this.#buffer, written, count - written);
        }
        done += count;
      }
      if (size >= LARGE) freeMemory({ file: source, offset: stretch.offset, size: stretch.length });
    }
  }

  #source(name: string): number {
    let file = this.#open.get(name);
    if (file === undefined) {
      file = fs.openSync(name, "r");
      this.#open.set(name, file);
    }
    return file;
  }

  /** Directories above that the layer does not name. */
  ensureParent(path: BytePath): void {
    const parent = parentPath(path);
    if (parent === "" || this.#directories.has(parent)) {
      return;
    }
    this.ensureParent(parent);
    this.#putDirectory({ path: parent, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }, this.#file(parent));
  }

  #describe(entry: Entry): void {
    const file = this.#file(entry.path);
    if (this.#options.owners) {
      chown(file, entry);
    }
    if (entry.type !== "symlink") {
      fs.chmodSync(file, entry.mode); // after the owner, whose change takes setuid away
    }
    for (const [name, value] of entry.xattrs ?? []) {
      setAttribute(file, name, value); // after the owner too: its change takes capabilities away
    }
    setTimes(file, entry.mtime);
  }

  #file(path: BytePath): Buffer {
    return path === "" ? this.#root : Buffer.concat([this.#root, Buffer.from("/"), pathBytes(path)]);
  }
}

async function writeSparse(path: Buffer, body: AsyncIterable<Buffer>, { size, mtime }: Entry): Promise<void> {
  const file = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW);
  try {
    let at = 0;
    for await (const chunk of body) {
      if (chunk.some((byte) => byte !== 0)) {
        for (let done = 0; done < chunk.length; ) done += fs.writeSync(file, chunk, done, chunk.length - done, at + done);
      }
      at += chunk.length;
    }
    fs.ftruncateSync(file, size);
    setFileTimes(file, mtime);
  } finally {
    fs.closeSync(file);
  }
}

function chown(file: Buffer, { path, uid, gid }: Entry): void {
  try {
    fs.lchownSync(file, uid, gid);
  } catch (error) {
    if (errnoOf(error) === "EINVAL") {
      throw new StoreFailure("unmapped-id", `cannot give ${JSON.stringify(pathText(path))} to ${uid}:${gid}: the user namespace has no such id`, {
        cause: error,
        hint: "a longer range in /etc/subuid and /etc/subgid makes room for it",
      });
    }
    throw error;
  }
}

/** False where a user namespace may not make devices: containers get their own /dev, so one in a layer is not missed. */
function makeDevice(file: Buffer, { type, major, minor }: Entry): boolean {
  try {
    mknod(file, TYPE_BITS[type as "character" | "block"] | 0o600, major ?? 0, minor ?? 0);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EPERM") {
      return false;
    }
    throw error;
  }
}

/** What this file system or user namespace does not allow is left out, as by Docker; capabilities are not, as programs need them. */
function setAttribute(file: Buffer, name: string, value: Buffer): void {
  try {
    lsetxattr(file, name, value);
  } catch (error) {
    const code = errnoOf(error);
    if (name === "security.capability" || (code !== "ENOTSUP" && code !== "EPERM" && code !== "EINVAL")) {
      throw error;
    }
  }
}
