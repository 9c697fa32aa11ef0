import type { Located } from "./located.ts";
import { readRange } from "./located.ts";

/** A stretch of a tar and the file that holds it. */
export interface TarPart {
  readonly file: string;
  /** Where the stretch starts in the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * A layer's uncompressed tar as it lies in the store: one file, or stretches of several one after the other, when most
 * of it is another layer's. A member's content always lies in one stretch.
 */
export class StoredTar {
  readonly parts: readonly TarPart[];
  /** Where each part starts in the tar. */
  readonly #starts: number[] = [];
  /** Bytes. */
  readonly size: number;

  constructor(parts: readonly TarPart[]) {
    this.parts = parts;
    let at = 0;
    for (const { length } of parts) {
      this.#starts.push(at);
      at += length;
    }
    this.size = at;
  }

  /** The file and place of the byte at `offset`. */
  locate(offset: number): Located & { readonly file: string } {
    const place = this.#partAt(offset);
    const part = this.parts[place]!;
    return { file: part.file, offset: part.offset + offset - this.#starts[place]! };
  }

  /** The number of the part that holds the byte at `offset`. */
  #partAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The files of bytes `start` up to `end`, by default to the tar's, in order. */
  stretches(start: number = 0, end: number = this.size): TarPart[] {
    const found: TarPart[] = [];
    for (let at = start; at < end; ) {
      const place = this.#partAt(at);
      const part = this.parts[place]!;
      const within = at - this.#starts[place]!;
      const length = Math.min(part.length - within, end - at);
      found.push({ file: part.file, offset: part.offset + within, length });
      at += length;
    }
    return found;
  }

  /** The bytes from `start` up to `end`; with a `buffer` as {@link readRange} does. Throws StoreFailure `damaged`. */
  async *read(start: number = 0, end: number = this.size, buffer?: Buffer): AsyncGenerator<Buffer> {
    for (const stretch of this.stretches(start, end)) {
      yield* readRange(stretch, stretch.length, buffer);
    }
  }
}
