import { createHash } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, linkSync, openSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { errnoOf } from "../../base/failure.ts";
import { digestFromHex, digestOf, hexOf, type Digest } from "../../oci/digest.ts";
import { HashingFile, publish, syncDirectory, writeSmallFile } from "../durable.ts";
import { StoreFailure } from "../store-error.ts";
import type { TemporaryDirectories } from "../temporary.ts";

const READ_SIZE = 1 << 20;
const MAX_WHOLE = 64 << 20;

/** Blobs by digest: `blobs/sha256/<hex>`, and downloads that can go on: `partial/<hex>`. */
export class ContentStore {
  readonly #blobs: string;
  readonly #partial: string;
  readonly #temporary: TemporaryDirectories;

  constructor(root: string, temporary: TemporaryDirectories) {
    this.#blobs = join(root, "blobs", "sha256");
    this.#partial = join(root, "partial");
    this.#temporary = temporary;
  }

  has(digest: Digest): boolean {
    return this.size(digest) !== undefined;
  }

  /** Bytes of a blob; undefined when it is not here. */
  size(digest: Digest): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  /** Where the blob lies, or would lie. */
  path(digest: Digest): string {
    return join(this.#blobs, hexOf(digest));
  }

  /** The blob's bytes; the stream fails at its end with {@link StoreFailure} `mismatch` when they are not those of the digest. */
  read(digest: Digest): Readable {
    return Readable.from(this.#verified(digest), { objectMode: false });
  }

  /** A small blob whole, verified. */
  async readAll(digest: Digest, maxBytes = MAX_WHOLE): Promise<Buffer> {
    const size = this.size(digest);
    if (size !== undefined && size > maxBytes) {
      throw new StoreFailure("too-large", `the blob ${digest} has ${size} bytes; at most ${maxBytes} were expected`);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of this.#verified(digest)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Takes a stream in. Nothing remains of one that fails or is not what was expected. */
  async ingest(source: AsyncIterable<Buffer>, expected: { readonly digest?: Digest; readonly size?: number } = {}): Promise<{ digest: Digest; size: number }> {
    const temporary = this.#temporary.path();
    await using file = await HashingFile.create(temporary);
    for await (const chunk of source) {
      await file.write(chunk);
      if (expected.size !== undefined && file.size > expected.size) break;
    }
    if (expected.size !== undefined && file.size !== expected.size) {
      throw new StoreFailure("mismatch", `the blob ${expected.digest ?? ""} should have ${expected.size} bytes, but ${file.size > expected.size ? "more" : file.size} came`);
    }
    const found = await file.finish();
    if (expected.digest !== undefined && found.digest !== expected.digest) {
      rmSync(temporary, { force: true });
      throw new StoreFailure("mismatch", `the blob ${expected.digest} came with other content: ${found.digest}`);
    }
    publish(temporary, this.path(found.digest));
    return found;
  }

  /** Stores bytes that are at hand. */
  async put(bytes: Buffer): Promise<{ digest: Digest; size: number }> {
    const digest = digestOf(bytes);
    if (this.size(digest) !== bytes.length) writeSmallFile(this.path(digest), this.#temporary.path(), bytes);
    return { digest, size: bytes.length };
  }

  /** Makes a file of the store, whose digest is known, a blob too; both names share its bytes. */
  link(path: string, digest: Digest): void {
    try {
      linkSync(path, this.path(digest));
      syncDirectory(this.#blobs);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
  }

  /** The file that a download of this blob appends to, and how much is there. One process at a time: hold a claim. */
  partial(digest: Digest): { path: string; size: number } {
    const path = join(this.#partial, hexOf(digest));
    return { path, size: statSync(path, { throwIfNoEntry: false })?.size ?? 0 };
  }

  /** Ends a download: the file becomes the blob, or is deleted when it is not what it should be. */
  async commitPartial(digest: Digest, size: number): Promise<void> {
    const { path, size: found } = this.partial(digest);
    const hash = createHash("sha256");
    if (found === size) for await (const chunk of createReadStream(path, { highWaterMark: READ_SIZE })) hash.update(chunk as Buffer);
    const actual = found === size ? digestFromHex(hash.digest("hex")) : undefined;
    if (actual !== digest) {
      rmSync(path, { force: true });
      throw new StoreFailure("mismatch", actual === undefined ? `the blob ${digest} should have ${size} bytes, but ${found} came` : `the blob ${digest} came with other content: ${actual}`);
    }
    const file = openSync(path, "r+");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    publish(path, this.path(digest));
  }

  /** Removes a blob; no error when it is not here. */
  remove(digest: Digest): void {
    rmSync(this.path(digest), { force: true });
  }

  list(): Digest[] {
    return readdirSync(this.#blobs).filter((name) => /^[0-9a-f]{64}$/.test(name)).sort().map(digestFromHex);
  }

  async *#verified(digest: Digest): AsyncGenerator<Buffer> {
    if (!this.has(digest)) throw new StoreFailure("no-such-blob", `the blob ${digest} is not in the store`);
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.path(digest), { highWaterMark: READ_SIZE })) {
      hash.update(chunk as Buffer);
      yield chunk as Buffer;
    }
    const found = digestFromHex(hash.digest("hex"));
    if (found !== digest) {
      throw new StoreFailure("mismatch", `the stored blob ${digest} is damaged: its content is ${found}`, { hint: "Remove the image and pull or build it again." });
    }
  }
}
