import * as fs from "node:fs";
import { pathBytes, pathText, type BytePath } from "../../base/byte-path.ts";
import { errnoOf, reasonOf } from "../../base/failure.ts";
import type { PlannedEntry } from "../../executors/copy/plan.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { readRange, type Located } from "../../store/layers/located.ts";
import { lsetxattr, mknod, setFileTimes, setTimes } from "../../sys/files.ts";
import { ArchiveFailure } from "../export-error.ts";
import { makeTarget } from "../make-target.ts";

export interface WriteOptions {
  readonly signal: AbortSignal;
  /** Bytes written so far. */
  readonly onProgress: (bytes: number) => void;
}

const SMALL = 1 << 20;
const TYPE_BITS = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/**
 * Writes a tree's files into a directory of this machine, which may hold others already, as docker's client does: modes,
 * times, links and extended attributes are the tree's, owners are ours. What is in the way of a file is replaced, and a
 * symbolic link in the way of a directory too, so that nothing is written outside. Gives the devices that an ordinary
 * user may not make.
 */
export async function writeDirectory(directory: string, files: readonly PlannedEntry[], options: WriteOptions): Promise<readonly string[]> {
  makeRoot(directory);
  return await new DirectoryWriter(fs.realpathSync(directory, { encoding: "buffer" }), options).write(files);
}

function makeRoot(directory: string): void {
  if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new ArchiveFailure("in-the-way", `destination directory ${JSON.stringify(directory)} is a file`);
  }
  makeTarget(directory, 0o700);
}

class DirectoryWriter {
  readonly #root: Buffer;
  readonly #options: WriteOptions;
  readonly #isRoot = process.geteuid?.() === 0;
  readonly #skipped: string[] = [];
  #bytes = 0;

  constructor(root: Buffer, options: WriteOptions) {
    this.#root = root;
    this.#options = options;
  }

  async write(files: readonly PlannedEntry[]): Promise<readonly string[]> {
    const { signal, onProgress } = this.#options;
    const places = await placesOf(files);
    for (const [at, file] of files.entries()) {
      signal.throwIfAborted();
      try {
        await this.#one(file, places.get(file));
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
        throw new ArchiveFailure("in-the-way", `write ${JSON.stringify(this.#place(file.entry.path).toString())}: ${reasonOf(error)}`, { cause: error });
      }
      if (at % 256 === 0) {
        onProgress(this.#bytes);
        await new Promise((resolve) => setImmediate(resolve)); // a signal may be waiting
      }
    }
    // Last, and the deepest first: until now files were put into them.
    for (const { entry } of files.toReversed()) {
      if (entry.type === "directory") this.#finishDirectory(entry);
    }
    onProgress(this.#bytes);
    return this.#skipped;
  }

  async #one({ entry, content }: PlannedEntry, located: Located | undefined): Promise<void> {
    const place = this.#place(entry.path);
    // Of what an earlier build left there we may write into everything.
    if (!clear(place, entry.type === "directory")) return fs.chmodSync(place, entry.mode | 0o700);
    switch (entry.type) {
      case "directory":
        return fs.mkdirSync(place, { mode: 0o700 });
      case "file":
        return await this.#file(place, entry, located === undefined ? content!.source.read(content!.entry) : located);
      case "hardlink":
        return fs.linkSync(this.#place(entry.link as BytePath), place);
      case "symlink":
        fs.symlinkSync(Buffer.from(entry.link!, "latin1"), place);
        this.#attributes(place, entry);
        return setTimes(place, entry.mtime);
      case "character":
      case "block":
      case "fifo":
        return this.#node(place, entry, TYPE_BITS[entry.type]);
      default:
        throw new Error(`Internal error: a tree holds a ${entry.type}`);
    }
  }

  async #file(place: Buffer, entry: Entry, content: Located | AsyncIterable<Buffer>): Promise<void> {
    const file = fs.openSync(place, "wx", 0o600);
    try {
      if ("file" in content && entry.size <= SMALL) copySmall(content, entry.size, file);
      else for await (const chunk of "file" in content ? readRange(content, entry.size) : content) writeAll(file, chunk);
      this.#attributes(place, entry);
      fs.fchmodSync(file, entry.mode);
      setFileTimes(file, entry.mtime);
    } finally {
      fs.closeSync(file);
    }
    this.#bytes += entry.size;
  }

  #node(place: Buffer, entry: Entry, typeBits: number): void {
    try {
      mknod(place, typeBits | 0o600, entry.major ?? 0, entry.minor ?? 0);
    } catch (error) {
      if (errnoOf(error) !== "EPERM" || this.#isRoot) throw error;
      return void this.#skipped.push(`/${pathText(entry.path)}`);
    }
    this.#attributes(place, entry);
    fs.chmodSync(place, entry.mode);
    setTimes(place, entry.mtime);
  }

  #finishDirectory(entry: Entry): void {
    const place = this.#place(entry.path);
    this.#attributes(place, entry);
    fs.chmodSync(place, entry.mode);
    setTimes(place, entry.mtime);
  }

  /** Those of users alone are for everyone; not every file system has them. */
  #attributes(place: Buffer, { xattrs = new Map<string, Buffer>() }: Entry): void {
    for (const [name, value] of xattrs) {
      if (!this.#isRoot && !name.startsWith("user.")) continue;
      try {
        lsetxattr(place, name, value);
      } catch (error) {
        if (!["EPERM", "ENOTSUP"].includes(errnoOf(error) ?? "")) throw error;
      }
    }
  }

  #place(path: BytePath): Buffer {
    return Buffer.concat([this.#root, Buffer.from("/"), pathBytes(path)]);
  }
}

/** Makes room; false when a directory is there that may stay. */
function clear(place: Buffer, forDirectory: boolean): boolean {
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  if (stat.isDirectory() && forDirectory) return false;
  fs.rmSync(place, { recursive: true });
  return true;
}

async function placesOf(files: readonly PlannedEntry[]): Promise<ReadonlyMap<PlannedEntry, Located>> {
  const withContent = files.filter(({ content }) => content !== undefined);
  const source = withContent[0]?.content?.source;
  const found = source === undefined ? [] : await source.locate(withContent.map(({ content }) => content!.entry));
  return new Map(withContent.flatMap((file, at) => (found[at] === undefined ? [] : [[file, found[at]]])));
}

/** One read and one write, without waiting for a thread: there may be very many. */
function copySmall({ file, offset }: Located, size: number, target: number): void {
  if (size === 0) return;
  const bytes = Buffer.allocUnsafe(size);
  const source = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    for (let done = 0; done < size; ) {
      const read = fs.readSync(source, bytes, done, size - done, offset + done);
      if (read === 0) throw new Error(`Internal error: ${JSON.stringify(file.toString())} ends early`);
      done += read;
    }
  } finally {
    fs.closeSync(source);
  }
  writeAll(target, bytes);
}

function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(file, bytes, done);
}
