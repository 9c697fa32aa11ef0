import * as fs from "node:fs";
import { parentPath, pathBytes, pathText, type BytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { lsetxattr, mknod, setTimes } from "../../sys/files.ts";
import { StoreFailure } from "../store-error.ts";
import type { Entry } from "./entry.ts";
import { readLayer } from "./read-layer.ts";

export interface UnpackOptions {
  /** Whose attributes and devices mark whiteouts: overlayfs's as root, or those of a mount with `userxattr`. */
  readonly dialect: "trusted" | "user";
  /** Give files their owners; only for who may. */
  readonly owners: boolean;
}

const TYPE_BITS = { character: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/**
 * Applies a layer's tar to an empty directory, with overlayfs's own whiteouts, so that it can be a lowerdir. Every
 * parent is a directory that we made ourselves, so no link is ever followed. Throws StoreFailure or ArchiveError.
 */
export async function unpackTar(tarPath: string, target: string, options: UnpackOptions): Promise<void> {
  const unpacker = new Unpacker(target, options);
  for await (const member of readLayer(fs.createReadStream(tarPath, { highWaterMark: 1 << 20 }))) {
    if (member.kind === "opaque") {
      unpacker.hideBelow(member.path);
    } else {
      await unpacker.put(member.entry, member.body);
    }
  }
  unpacker.finish();
}

class Unpacker {
  readonly #root: Buffer;
  readonly #options: UnpackOptions;
  readonly #made = new Map<BytePath, Entry>();

  constructor(target: string, options: UnpackOptions) {
    this.#root = Buffer.from(target);
    this.#options = options;
  }

  async put(entry: Entry, body: AsyncIterable<Buffer>): Promise<void> {
    if (entry.path !== "") {
      this.#ensureParent(entry.path);
      this.#clear(entry);
    }
    const file = this.#file(entry.path);
    switch (entry.type) {
      case "directory":
        if (entry.path !== "" && !this.#made.has(entry.path)) {
          fs.mkdirSync(file, 0o700);
        }
        break;
      case "file":
        await writeFile(file, body);
        break;
      case "symlink":
        fs.symlinkSync(pathBytes(entry.link ?? ""), file);
        break;
      case "hardlink":
        this.#link(entry, file);
        break;
      case "whiteout":
        mknod(file, TYPE_BITS.character, 0, 0);
        break;
      case "fifo":
        mknod(file, TYPE_BITS.fifo | 0o600, 0, 0);
        break;
      case "character":
      case "block":
        if (!makeDevice(file, entry)) {
          return;
        }
        break;
    }
    this.#made.set(entry.path, entry);
    // A directory takes its mode and times when nothing more is put into it; a link has those of its file.
    if (entry.type !== "directory" && entry.type !== "hardlink" && entry.type !== "whiteout") {
      this.#describe(entry);
    }
  }

  hideBelow(path: BytePath): void {
    if (path !== "") {
      this.#ensureParent(path);
    }
    if (path !== "" && !this.#made.has(path)) {
      this.#makeDirectory(path);
    }
    lsetxattr(this.#file(path), `${this.#options.dialect}.overlay.opaque`, Buffer.from("y"));
  }

  /** Directories, the deepest first, so that no later one touches the time of an earlier. */
  finish(): void {
    const directories = [...this.#made.values()].filter(({ type }) => type === "directory");
    for (const entry of directories.sort((a, b) => (a.path < b.path ? 1 : -1))) {
      this.#describe(entry);
    }
  }

  #ensureParent(path: BytePath): void {
    const parent = parentPath(path);
    const above = parent === "" ? undefined : this.#made.get(parent);
    if (above !== undefined && above.type !== "directory") {
      throw new StoreFailure("unsafe-tar", `${JSON.stringify(pathText(path))} of the layer lies below ${JSON.stringify(pathText(parent))}, which is a ${above.type}`);
    }
    if (parent !== "" && above === undefined) {
      this.#ensureParent(parent);
      this.#makeDirectory(parent);
    }
  }

  #makeDirectory(path: BytePath): void {
    fs.mkdirSync(this.#file(path), 0o755);
    this.#made.set(path, { path, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n });
  }

  /** The last member of a name wins; a directory that comes again keeps what is in it. */
  #clear(entry: Entry): void {
    const before = this.#made.get(entry.path);
    if (before === undefined || (before.type === "directory" && entry.type === "directory")) {
      return;
    }
    for (const path of this.#made.keys()) {
      if (path === entry.path || path.startsWith(`${entry.path}/`)) {
        this.#made.delete(path);
      }
    }
    fs.rmSync(this.#file(entry.path), { recursive: true });
  }

  #link(entry: Entry, file: Buffer): void {
    const target = this.#made.get((entry.link ?? "") as BytePath);
    if (target === undefined || target.type === "directory" || target.type === "whiteout") {
      throw new StoreFailure("unsafe-tar", `${JSON.stringify(pathText(entry.path))} of the layer is a hard link to ${JSON.stringify(pathText(entry.link ?? ""))}, which is no file of the layer`);
    }
    fs.linkSync(this.#file(target.path), file);
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

async function writeFile(path: Buffer, body: AsyncIterable<Buffer>): Promise<void> {
  const file = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.length; ) {
        at += fs.writeSync(file, chunk, at);
      }
    }
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
