import { createHash, type Hash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Descriptor } from "../../oci/descriptor.ts";
import { digestFromHex } from "../../oci/digest.ts";
import { storeWriteFailure } from "../write-file.ts";
import { Growth, type GrowingFile } from "./growth.ts";

const CHUNK = 1 << 20;

/** A blob while it is downloaded: a file that an earlier try may have begun, hashed as it grows. */
export class PartialBlob implements GrowingFile, AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly growth = new Growth();
  readonly #file: FileHandle;
  #hash: Hash;
  #at: number;

  private constructor(path: string, size: number, file: FileHandle, hash: Hash, at: number) {
    this.path = path;
    this.size = size;
    this.#file = file;
    this.#hash = hash;
    this.#at = at;
    this.growth.grow(at);
  }

  /** Opens what is there of a blob that will have `size` bytes; what is not a beginning of it is dropped. */
  static async open(path: string, size: number): Promise<PartialBlob> {
    const length = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const there = length < size ? length : 0;
    const hash = createHash("sha256");
    if (there > 0) for await (const chunk of createReadStream(path, { end: there - 1, highWaterMark: CHUNK })) hash.update(chunk as Buffer);
    return new PartialBlob(path, size, await open(path, there === 0 ? "w" : "r+"), hash, there);
  }

  /** Bytes that are there. */
  get at(): number {
    return this.#at;
  }

  /** Adds what follows. Throws StoreFailure `disk-full`. */
  async append(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk);
    try {
      for (let done = 0; done < chunk.length; ) {
        done += (await this.#file.write(chunk, done, chunk.length - done, this.#at + done)).bytesWritten;
      }
    } catch (error) {
      throw storeWriteFailure(error);
    }
    this.#at += chunk.length;
    this.growth.grow(this.#at);
  }

  /** Drops what is there. */
  async restart(): Promise<void> {
    if (this.#at === 0) return;
    this.growth.abandon();
    await this.#file.truncate(0);
    this.#hash = createHash("sha256");
    this.#at = 0;
  }

  /** Brings it to the disk, and says what it is. */
  async sync(): Promise<Pick<Descriptor, "digest" | "size">> {
    await this.#file.truncate(this.#at);
    await this.#file.sync();
    return { digest: digestFromHex(this.#hash.digest("hex")), size: this.#at };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
