import { createHash } from "node:crypto";
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { digestFromHex, type Digest } from "../oci/digest.ts";

const WRITE_SIZE = 1 << 20;

/** Makes a directory's own changes, such as a rename in it, survive a loss of power. */
export function syncDirectory(path: string): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Puts a whole, synced file or directory under its final name. */
export function publish(from: string, to: string): void {
  renameSync(from, to);
  syncDirectory(dirname(to));
}

/** Writes a small file: temporary, fsync, rename. `temporary` lies on the same file system. */
export function writeSmallFile(path: string, temporary: string, bytes: Buffer | string): void {
  const file = openSync(temporary, "wx", 0o600);
  try {
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; ) at += writeSync(file, all, at);
    fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  publish(temporary, path);
}

/** Writes a new file in large pieces, hashing in passing; removed again unless {@link finish} was reached. */
export class HashingFile implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");
  #pending: Buffer[] = [];
  #pendingSize = 0;
  #size = 0;
  #finished = false;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<HashingFile> {
    return new HashingFile(path, await open(path, "wx", 0o600));
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes the chunk over: it must not change afterwards. */
  async write(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    this.#pending.push(chunk);
    this.#pendingSize += chunk.length;
    if (this.#pendingSize >= WRITE_SIZE) await this.#flush();
  }

  /** Everything is on the disk when this returns. */
  async finish(): Promise<{ digest: Digest; size: number }> {
    await this.#flush();
    await this.#file.sync();
    this.#finished = true;
    return { digest: digestFromHex(this.#hash.digest("hex")), size: this.#size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (!this.#finished) rmSync(this.#path, { force: true });
  }

  async #flush(): Promise<void> {
    const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending, this.#pendingSize);
    this.#pending = [];
    this.#pendingSize = 0;
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
  }
}
