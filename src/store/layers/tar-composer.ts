import { createHash, hash } from "node:crypto";
import * as fs from "node:fs";
import { digestFromHex, type DiffId } from "../../oci/digest.ts";
import { StoreFailure } from "../store-error.ts";
import type { TarPart } from "./stored-tar.ts";

/** A stretch of a composed tar: of the new file itself where `file` is undefined, else of one that was there before. */
export type ComposedPart = Omit<TarPart, "file"> & { readonly file: string | undefined };

export interface ComposedTar {
  readonly diffId: DiffId;
  /** Bytes of the whole tar. */
  readonly size: number;
  readonly parts: readonly ComposedPart[];
}

const BUFFER = 4 << 20;

/**
 * Writes a tar piece by piece to a new file and hashes it on the way: headers from memory, contents from other files.
 * Stretches of tars that are in the store already are hashed but not written again. All of it synchronous, as for many
 * small files that is several times faster; for more than a few megabytes it belongs into a thread or another process.
 */
export class TarComposer implements Disposable {
  readonly #file: number;
  readonly #hash = createHash("sha256");
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER);
  readonly #parts: ComposedPart[] = [];
  #filled = 0;
  #written = 0;
  #size = 0;
  /** The last file read, as stretches of one file follow one another. */
  #open: { readonly name: string; readonly descriptor: number } | undefined;

  constructor(target: string) {
    this.#file = fs.openSync(target, "wx", 0o644);
  }

  /** Bytes so far. */
  get position(): number {
    return this.#size;
  }

  /** Appends bytes that are at hand. */
  bytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, this.#room());
      this.#buffer.set(bytes.subarray(at, at + count), this.#filled);
      this.#take(count);
      at += count;
    }
  }

  /**
   * Appends `size` bytes of a file and gives their sha256. A link in the file's place is not followed, a pipe not waited for.
   * Throws StoreFailure `damaged` when the file is shorter than that.
   */
  content(name: string, offset: number, size: number): Buffer {
    const file = fs.openSync(Buffer.from(name, "latin1"), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    try {
      if (size <= this.#room()) return this.#small(file, name, offset, size);
      const hashing = createHash("sha256");
      for (let done = 0; done < size; ) {
        const count = this.#read(file, name, offset + done, Math.min(size - done, this.#room()));
        hashing.update(this.#buffer.subarray(this.#filled, this.#filled + count));
        this.#take(count);
        done += count;
      }
      return hashing.digest();
    } finally {
      fs.closeSync(file);
    }
  }

  /** Appends a stretch of a file of the store without writing it: the tar will be read from there. */
  reuse(name: string, offset: number, length: number): void {
    this.#flush();
    if (this.#open?.name !== name) {
      this.#closeOpen();
      this.#open = { name, descriptor: fs.openSync(Buffer.from(name, "latin1"), "r") };
    }
    for (let done = 0; done < length; ) {
      const count = this.#read(this.#open.descriptor, name, offset + done, Math.min(length - done, BUFFER));
      this.#hash.update(this.#buffer.subarray(0, count));
      done += count;
    }
    this.#size += length;
    this.#note({ file: name, offset, length });
  }

  /** Ends the tar. Its new file is not synced yet: see {@link sync}. */
  finish(): ComposedTar {
    this.#flush();
    this.#closeOpen();
    return { diffId: digestFromHex(this.#hash.digest("hex")) as DiffId, size: this.#size, parts: this.#parts };
  }

  /** Brings the new file to the disk. */
  sync(): void {
    fs.fsyncSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.#closeOpen();
    fs.closeSync(this.#file);
  }

  #small(file: number, name: string, offset: number, size: number): Buffer {
    const start = this.#filled;
    for (let done = 0; done < size; ) {
      done += this.#read(file, name, offset + done, size - done, start + done);
    }
    const digest = hash("sha256", this.#buffer.subarray(start, start + size), "buffer");
    this.#take(size);
    return digest;
  }

  #read(file: number, name: string, offset: number, size: number, to: number = this.#filled): number {
    const count = fs.readSync(file, this.#buffer, to, size, offset);
    if (count === 0) {
      throw new StoreFailure("damaged", `${JSON.stringify(Buffer.from(name, "latin1").toString())} became shorter while it was read`);
    }
    return count;
  }

  /** Space in the buffer, emptied first when there is none. */
  #room(): number {
    if (this.#filled === BUFFER) this.#flush();
    return BUFFER - this.#filled;
  }

  #take(count: number): void {
    this.#filled += count;
    this.#size += count;
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#filled);
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      at += fs.writeSync(this.#file, bytes, at);
    }
    if (bytes.length > 0) this.#note({ file: undefined, offset: this.#written, length: bytes.length });
    this.#written += bytes.length;
    this.#filled = 0;
  }

  /** Joins a stretch to the last one where it goes on in the same file. */
  #note(part: ComposedPart): void {
    const last = this.#parts.at(-1);
    if (last !== undefined && last.file === part.file && last.offset + last.length === part.offset) {
      this.#parts[this.#parts.length - 1] = { ...last, length: last.length + part.length };
    } else {
      this.#parts.push(part);
    }
  }

  #closeOpen(): void {
    if (this.#open !== undefined) fs.closeSync(this.#open.descriptor);
    this.#open = undefined;
  }
}
