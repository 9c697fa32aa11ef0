import { ArchiveError } from "./archive-error.ts";

/** Reads a stream of chunks in pieces of chosen sizes, copying only where a piece spans chunks. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #position = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Bytes given out so far. */
  get position(): number {
    return this.#position;
  }

  /** Exactly `size` bytes if they are already here, so that callers can avoid waiting for a promise. */
  tryRead(size: number): Buffer | undefined {
    if (this.#chunk.length - this.#at < size) return undefined;
    const piece = this.#chunk.subarray(this.#at, this.#at + size);
    this.#at += size;
    this.#position += size;
    return piece;
  }

  /** Exactly `size` bytes, or undefined at the end of the stream; throws when it ends in between. */
  async read(size: number, what: string): Promise<Buffer | undefined> {
    const here = this.tryRead(size);
    if (here !== undefined) return here;
    const parts: Buffer[] = [];
    for (let missing = size; missing > 0; ) {
      const part = await this.readSome(missing);
      if (part === undefined) {
        if (missing === size) return undefined;
        throw truncated(what, size, size - missing);
      }
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts, size);
  }

  /** Between one and `most` bytes, or undefined at the end. */
  async readSome(most: number): Promise<Buffer | undefined> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
      this.#at = 0;
    }
    return this.tryRead(Math.min(most, this.#chunk.length - this.#at));
  }

  /** Reads `size` bytes and drops them. */
  async skip(size: number, what: string): Promise<void> {
    for (let missing = size; missing > 0; ) {
      const part = await this.readSome(missing);
      if (part === undefined) throw truncated(what, size, size - missing);
      missing -= part.length;
    }
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

/** The error of a stream that ends inside `what`. */
export function truncated(what: string, wanted: number, found: number): ArchiveError {
  return new ArchiveError("truncated", `the archive ends within ${what}: ${wanted} bytes wanted, ${found} found`);
}
