import type { Readable } from "node:stream";
import type { RequestBody } from "../registry/transport.ts";

/** A piece of a blob that goes in one request. Bytes; `end` is the first that is not of it. */
export interface Part {
  /** From 1 on. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** Cuts a blob into parts of some size, or of a larger one where that would be more than `most`. */
export function partsOf(size: number, { partSize, most }: { readonly partSize: number; readonly most: number }): Part[] {
  const length = Math.max(partSize, Math.ceil(size / most));
  return Array.from({ length: Math.ceil(size / length) }, (_, place) => ({ number: place + 1, start: place * length, end: Math.min(size, (place + 1) * length) }));
}

/** Counts what went out of a blob's parts; one that is sent again counts anew. */
export class SentParts {
  readonly #sent = new Map<number, number>();
  readonly #onProgress: (sent: number) => void;

  constructor(onProgress: (sent: number) => void) {
    this.#onProgress = onProgress;
  }

  /** The body of a part's request. */
  body({ number, start, end }: Part, open: (start: number, end: number) => Readable): RequestBody {
    return {
      size: end - start,
      open: () => {
        this.#sent.set(number, 0);
        const bytes = open(start, end);
        bytes.on("data", (chunk: Buffer) => {
          this.#sent.set(number, this.#sent.get(number)! + chunk.length);
          this.#onProgress([...this.#sent.values()].reduce((sum, each) => sum + each, 0));
        });
        // Resumed by the pipe, and only then: a listener alone would start the flow too early.
        return bytes.pause();
      },
    };
  }
}
