import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { digestFromHex, digestOf, hexOf, type Digest } from "../../oci/digest.ts";
import { StoreFailure } from "../store-error.ts";
import type { Leases } from "../leases.ts";
import type { Unsynced } from "../unsynced.ts";
import type { Temporary } from "../temporary.ts";
import { PartialBlob } from "./partial-blob.ts";
import { writeFileAtomically, writeStream } from "../write-file.ts";

export interface Blob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

const CHUNK = 1 << 20;
const MAX_IN_MEMORY = 64 << 20;
/** The end of a mark's name: what is before it is a blob that may not be on the disk yet. */
const MARK = ".blob";

/** Blobs by the digest of their bytes: `blobs/sha256/HEX`, as in an OCI image layout. What is there is whole. */
export class ContentStore {
  readonly #blobs: string;
  readonly #partial: string;
  readonly #temporary: Temporary;
  readonly #leases: Leases;
  readonly #unsynced: Unsynced;

  constructor(root: string, { temporary, leases, unsynced, readOnly = false }: { readonly temporary: Temporary; readonly leases: Leases; readonly unsynced: Unsynced; readonly readOnly?: boolean }) {
    this.#leases = leases;
    this.#unsynced = unsynced;
    this.#blobs = path.join(root, "blobs", "sha256");
    this.#partial = path.join(root, "partial");
    this.#temporary = temporary;
    if (readOnly) return;
    for (const directory of [this.#blobs, this.#partial]) mkdirSync(directory, { recursive: true });
    for (const hex of unsynced.doubtful(MARK)) {
      this.remove(digestFromHex(hex));
      unsynced.settle(hex + MARK);
    }
  }

  has(digest: Digest): boolean {
    return existsSync(this.path(digest));
  }

  /** Bytes, or undefined when the blob is not here. */
  size(digest: Digest): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  path(digest: Digest): string {
    return path.join(this.#blobs, hexOf(digest));
  }

  /** A blob's bytes; the stream fails at its end with `damaged` when they are not what the digest says. */
  read(digest: Digest): Readable {
    return Readable.from(verified(this.path(digest), digest), { objectMode: false, highWaterMark: CHUNK });
  }

  /** A blob in memory, up to `maxBytes`. Throws StoreFailure. */
  async readAll(digest: Digest, maxBytes: number = MAX_IN_MEMORY): Promise<Buffer> {
    const size = this.size(digest);
    if (size === undefined) {
      throw new StoreFailure("not-found", `read ${digest}: it is not in the store`);
    }
    if (size > maxBytes) {
      throw new StoreFailure("too-large", `read ${digest}: it has ${size} bytes, more than ${maxBytes}`);
    }
    const bytes = readFileSync(this.path(digest));
    if (digestOf(bytes) !== digest) throw damaged(this.path(digest), digest);
    return bytes;
  }

  /** Takes in a stream; with `expected`, only if it is that. Throws StoreFailure; nothing is then kept. */
  async ingest(source: AsyncIterable<Buffer>, expected: { readonly digest?: Digest; readonly size?: number } = {}): Promise<Blob> {
    const temporary = this.#temporary.file();
    const hash = createHash("sha256");
    let seen = 0;
    try {
      const size = await writeStream(temporary, source, (chunk) => {
        seen += chunk.length;
        if (expected.size !== undefined && seen > expected.size) {
          throw new StoreFailure("size-mismatch", `store ${expected.digest ?? "a blob"}: more than the ${expected.size} bytes that it should have`);
        }
        hash.update(chunk);
      });
      const digest = digestFromHex(hash.digest("hex"));
      check({ digest, size }, expected);
      this.#leases.hold(digest);
      renameSync(temporary, this.path(digest));
      return { digest, size };
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /**
   * Takes in a temporary file whose digest was taken while it was written, and that can be made again: nobody waits for
   * it to be on the disk, and if the machine goes down before, it is no blob any more.
   */
  adopt(file: string, digest: Digest): void {
    this.#leases.hold(digest);
    this.#unsynced.mark(hexOf(digest) + MARK);
    renameSync(file, this.path(digest));
  }

  /** Takes in bytes that are at hand; writes nothing when they are here already. */
  async put(bytes: Buffer): Promise<Blob> {
    const digest = digestOf(bytes);
    if (this.#leases.active) {
      this.#leases.hold(digest);
    }
    if (this.size(digest) !== bytes.length) {
      this.#leases.hold(digest);
      writeFileAtomically(this.path(digest), bytes, this.#temporary.file());
    }
    return { digest, size: bytes.length };
  }

  /** What a download of a blob goes to: begun by a try that was cut, or new. */
  partial({ digest, size }: Blob): Promise<PartialBlob> {
    return PartialBlob.open(this.#partialFile(digest), size);
  }

  /** Makes a finished download a blob, or throws StoreFailure and deletes it when it is not what it should be. */
  async commitPartial(partial: PartialBlob, expected: Blob): Promise<void> {
    try {
      check(await partial.sync(), expected);
      this.#leases.hold(expected.digest);
      renameSync(partial.path, this.path(expected.digest));
    } catch (error) {
      rmSync(partial.path, { force: true });
      throw error;
    }
  }

  #partialFile(digest: Digest): string {
    return path.join(this.#partial, hexOf(digest));
  }

  /** Removes what was left of downloads that nobody went on with for `age` milliseconds. */
  removePartials(now: number, age: number): void {
    for (const name of readdirSync(this.#partial)) {
      const file = path.join(this.#partial, name);
      if (now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now) > age) rmSync(file, { force: true });
    }
  }

  remove(digest: Digest): void {
    rmSync(this.path(digest), { force: true });
  }

  list(): Digest[] {
    return readdirSync(this.#blobs).flatMap((name) => (/^[0-9a-f]{64}$/.test(name) ? [digestFromHex(name)] : []));
  }
}

function check(found: Blob, expected: { readonly digest?: Digest; readonly size?: number }): void {
  if (expected.size !== undefined && found.size !== expected.size) {
    throw new StoreFailure("size-mismatch", `store ${expected.digest ?? found.digest}: ${found.size} bytes came, ${expected.size} were announced`);
  }
  if (expected.digest !== undefined && found.digest !== expected.digest) {
    throw new StoreFailure("digest-mismatch", `store ${expected.digest}: what came has the digest ${found.digest}`);
  }
}

async function* verified(file: string, digest: Digest): AsyncIterable<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK })) {
    hash.update(chunk as Buffer);
    yield chunk as Buffer;
  }
  if (digestFromHex(hash.digest("hex")) !== digest) {
    throw damaged(file, digest);
  }
}

function damaged(file: string, digest: Digest): StoreFailure {
  return new StoreFailure("damaged", `read ${digest}: its file in the store was changed`, { hint: `remove ${file} and pull or build again` });
}
