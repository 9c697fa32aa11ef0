import { closeSync } from "node:fs";
import { canWriteRanges, freeMemory, startWritingSync } from "../../sys/files.ts";

/** Of what was written last, so much stays in memory. Bytes. */
const KEPT = 32 << 20;

/**
 * Large files that were written one after the other: the disk gets them meanwhile, and what it has leaves memory, for the
 * reason that {@link WriteBehind} gives. Nobody waits for the disk: where it is slow, they stay in memory as before.
 */
export class FilesBehind implements Disposable {
  readonly #waiting: { readonly file: number; readonly size: number }[] = [];
  #bytes = 0;
  #usable: boolean | undefined;

  /** Takes over an open file that is written, to close it. */
  take(file: number, size: number): void {
    this.#waiting.push({ file, size });
    this.#bytes += size;
    if (!(this.#usable ??= canWriteRanges(file))) return this[Symbol.dispose]();
    startWritingSync({ file, offset: 0, size });
    while (this.#bytes > KEPT) this.#free();
  }

  /** Closes what is left. */
  [Symbol.dispose](): void {
    for (const { file } of this.#waiting.splice(0)) closeSync(file);
    this.#bytes = 0;
  }

  #free(): void {
    const { file, size } = this.#waiting.shift()!;
    this.#bytes -= size;
    freeMemory({ file, offset: 0, size });
    closeSync(file);
  }
}
