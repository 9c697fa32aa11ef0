import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { joinPath, pathBytes, pathText, type BytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { digestFromHex, type Digest } from "../../oci/digest.ts";
import type { Entry, EntryType } from "../../store/layers/entry.ts";
import { ExecuteError } from "../execute-error.ts";
import type { FileSource, SourceEntry } from "../value.ts";

const READ_SIZE = 1 << 20;

/**
 * A directory of this machine as a build context. Owners are 0:0, as BuildKit sends a context; sockets are left out.
 * Every path is looked up component by component from `get` and `children`, which never follow a link: links are
 * followed by the selection, inside the context.
 */
export class DirectorySource implements FileSource {
  readonly name: string;
  readonly #root: Buffer;
  readonly #digests = new Map<string, Promise<Digest>>();

  constructor(name: string, root: string) {
    this.name = name;
    // A context may be named by a link to it.
    this.#root = fs.realpathSync(root, { encoding: "buffer" });
  }

  get(at: BytePath): SourceEntry | undefined {
    return this.#stat(at);
  }

  children(at: BytePath): readonly SourceEntry[] {
    const names = fs.readdirSync(this.#file(at), { encoding: "buffer" }).map((name) => name.toString("latin1"));
    const found: SourceEntry[] = [];
    for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
      const child = this.get(joinPath(at, name));
      if (child !== undefined) {
        found.push(child);
      }
    }
    return found;
  }

  digest(entry: Entry): Promise<Digest> {
    let known = this.#digests.get(entry.path);
    if (known === undefined) {
      known = this.#hash(entry);
      this.#digests.set(entry.path, known);
    }
    return known;
  }

  async *read(entry: Entry): AsyncIterable<Buffer> {
    // O_NOFOLLOW: what was a file when it was listed must not become a link out of the context.
    const handle = await fs.promises.open(this.#file(entry.path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      let left = entry.size;
      while (left > 0) {
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(left, READ_SIZE)), 0);
        if (bytesRead === 0) {
          throw new ExecuteError("bad-context", `${JSON.stringify(pathText(entry.path))} became shorter while it was read`);
        }
        left -= bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  hiddenBecause(): undefined {
    return undefined;
  }

  async #hash(entry: Entry): Promise<Digest> {
    const hash = createHash("sha256");
    if (entry.size <= READ_SIZE) {
      hash.update(this.#readSmall(entry));
    } else {
      for await (const chunk of this.read(entry)) {
        hash.update(chunk);
      }
    }
    return digestFromHex(hash.digest("hex"));
  }

  /** Synchronous: three times faster for small files than promises. */
  #readSmall(entry: Entry): Buffer {
    const descriptor = fs.openSync(this.#file(entry.path), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      const content = Buffer.allocUnsafe(entry.size);
      let filled = 0;
      while (filled < entry.size) {
        const count = fs.readSync(descriptor, content, filled, entry.size - filled, null);
        if (count === 0) {
          throw new ExecuteError("bad-context", `${JSON.stringify(pathText(entry.path))} became shorter while it was read`);
        }
        filled += count;
      }
      return content;
    } finally {
      fs.closeSync(descriptor);
    }
  }

  #stat(at: BytePath): SourceEntry | undefined {
    let stat: fs.BigIntStats;
    try {
      stat = fs.lstatSync(this.#file(at), { bigint: true });
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
        return undefined;
      }
      throw new ExecuteError("bad-context", `cannot read ${JSON.stringify(pathText(at))} in ${this.name}: ${errnoOf(error)}`, { cause: error });
    }
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
      ...(type === "symlink" ? { link: fs.readlinkSync(this.#file(at), { encoding: "buffer" }).toString("latin1") } : {}),
      ...(type === "character" || type === "block" ? deviceNumbers(stat.rdev) : {}),
    };
    return { entry, ...(type === "file" && stat.nlink > 1n ? { inode: `${stat.dev}:${stat.ino}` } : {}) };
  }

  #file(at: BytePath): Buffer {
    return at === "" ? this.#root : Buffer.concat([this.#root, Buffer.from("/"), pathBytes(at)]);
  }
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
