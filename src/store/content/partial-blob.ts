import { createHash, type Hash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Descriptor } from "../../oci/descriptor.ts";
import { digestFromHex } from "../../oci/digest.ts";
import { WriteBehind } from "../write-behind.ts";
import { storeWriteFailure, writeAllAt } from "../write-file.ts";
import { Growth, type GrowingFile } from "./growth.ts";

const CHUNK = 1 << 20;
/** Bytes that are written at a time: the wire's pieces are so small that writing each costs more than its bytes do. */
const BATCH = 1 << 20;

/** A blob while it is downloaded: a file that an earlier try may have begun, hashed as it comes. */
export class PartialBlob implements GrowingFile, AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly growth = new Growth();
  readonly #file: FileHandle;
  #behind: WriteBehind;
  #hash: Hash;
  #at: number;
  /** What came and is not being written yet. */
  #batch: Buffer[] = [];
  #batched = 0;
  /** The last write: it ends when the bytes before the batch are in the file. */
  #writing: Promise<void> | undefined;

  private constructor(path: string, size: number, file: FileHandle, hash: Hash, at: number) {
    this.path = path;
    this.size = size;
    this.#file = file;
    this.#behind = new WriteBehind(file.fd, at);
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

  /** Bytes that are here. */
  get at(): number {
    return this.#at;
  }

  /** Adds what follows; it is written while more comes. Throws StoreFailure `disk-full`, for what was added before too. */
  async append(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk);
    this.#batch.push(chunk);
    this.#batched += chunk.length;
    this.#at += chunk.length;
    if (this.#batched >= BATCH) {
      await this.#writing;
      this.#write();
    }
  }

  /** Drops what is there. */
  async restart(): Promise<void> {
    if (this.#at === 0) return;
    this.growth.abandon();
    await this.#settle();
    await this.#file.truncate(0);
    this.#behind = new WriteBehind(this.#file.fd);
    this.#hash = createHash("sha256");
    this.#at = 0;
  }

  /** Brings it to the disk, and says what it is. */
  async sync(): Promise<Pick<Descriptor, "digest" | "size">> {
    await this.#settle();
    await this.#file.truncate(this.#at);
    await this.#file.sync();
    return { digest: digestFromHex(this.#hash.digest("hex")), size: this.#at };
  }

  /** What came stays in the file, for the next try. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settle().catch(() => undefined); // seen by append() or sync()
    await this.#file.close();
  }

  async #settle(): Promise<void> {
    try {
      await this.#writing;
      this.#write();
      await this.#writing;
    } finally {
      await this.#behind.settle();
    }
  }

  /** Begins to write the batch; the write before has ended. */
  #write(): void {
    const [chunks, at] = [this.#batch, this.#at - this.#batched];
    this.#writing = this.#put(chunks, at);
    this.#writing.catch(() => undefined); // seen by whoever waits for it
    this.#batch = [];
    this.#batched = 0;
  }

  async #put(chunks: readonly Buffer[], at: number): Promise<void> {
    try {
      const to = await writeAllAt(this.#file, chunks, at);
      this.growth.grow(to);
      await this.growth.near(to);
      await this.#behind.advance(to);
    } catch (error) {
      throw storeWriteFailure(error);
    }
  }
}
