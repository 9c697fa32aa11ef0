import { canWriteRanges, finishWriting, startWriting } from "../sys/files.ts";

/** What is begun to be written at a time. Bytes. */
const WINDOW = 8 << 20;
/** The end of a file that stays in memory, for who reads it right after. Bytes. */
const KEPT = 64 << 20;

/**
 * Brings a large file to the disk while it grows, and frees the memory of all but its end: so a sync at the end has little
 * to wait for, and a layer of gigabytes neither drives out of memory what others need nor waits for new memory, which
 * costs a virtual machine ten times what writing does. Nothing is waited for that a sync would not have waited for.
 */
export class WriteBehind {
  readonly #file: number;
  #begun = 0;
  #freed = 0;
  #usable: boolean | undefined;
  #going: Promise<void> | undefined;

  /** `file` is open for writing; bytes before `from` are not its business. */
  constructor(file: number, from = 0) {
    this.#file = file;
    this.#begun = from;
    this.#freed = from;
  }

  /** So many bytes have been written. Waits where the disk is behind. Throws what the disk refused. */
  async advance(to: number): Promise<void> {
    if (to - this.#begun < WINDOW) return;
    await this.#going;
    if (!(this.#usable ??= canWriteRanges(this.#file))) return;
    this.#going = this.#write(to);
    this.#going.catch(() => undefined); // seen by the next, or by settle()
  }

  /** Resolves when nothing is done to the file any more, which can then be closed. */
  async settle(): Promise<void> {
    await this.#going;
  }

  async #write(to: number): Promise<void> {
    const from = this.#begun;
    this.#begun = to;
    await startWriting({ file: this.#file, offset: from, size: to - from });
    const end = to - KEPT;
    if (end - this.#freed < WINDOW) return;
    const start = this.#freed;
    this.#freed = end;
    await finishWriting({ file: this.#file, offset: start, size: end - start });
  }
}
