import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, statfsSync, statSync, truncateSync, writeSync } from "node:fs";

const SIZE = 2 << 20;
/** More than the database's files need to be opened, and a transaction to remove what is asked for. */
const PIECE = 512 << 10;
/** On a disk with less room the reserve is not filled up. */
const PLENTY = 4 * SIZE;

/**
 * Room that is kept for a full disk: even what frees space has to write its records first. A file of bytes that no file
 * system stores as nothing; a piece of it is given up when it is needed, and taken again when there is plenty.
 */
export class Reserve {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Gives up a piece; false when none is left. */
  lend(): boolean {
    try {
      const left = statSync(this.#file).size;
      if (left === 0) {
        return false;
      }
      truncateSync(this.#file, Math.max(0, left - PIECE));
      return true;
    } catch {
      return false;
    }
  }

  /** Makes the reserve whole, as far as there is room for it. Never fails: a store without one works too. */
  fill(): void {
    try {
      const size = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
      if (size >= SIZE || isShort(this.#file)) {
        return;
      }
      const file = openSync(this.#file, "a", 0o644);
      try {
        writeSync(file, randomBytes(SIZE - size));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch {
      // A full or read-only disk.
    }
  }
}

function isShort(file: string): boolean {
  const { bavail, bsize } = statfsSync(file.slice(0, file.lastIndexOf("/")));
  return bavail * bsize < PLENTY;
}
