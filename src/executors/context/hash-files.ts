import { createHash, hash } from "node:crypto";
import * as fs from "node:fs";
import { ROW, writeRow } from "../../store/file-digests.ts";

/** Files to hash: absolute paths as byte strings. `rows` are as {@link writeRow} fills them, one a file. */
export interface HashAsk {
  readonly paths: readonly string[];
}
export interface HashAnswer {
  readonly rows: Uint8Array<ArrayBuffer>;
}

const READ_SIZE = 1 << 20;
const buffer = Buffer.allocUnsafeSlow(READ_SIZE);

/**
 * Hashes files one after the other, synchronously: for many small files three times faster than promises. The stat is
 * taken before the content is read, so a change meanwhile makes the row one that no later lstat matches.
 * Throws the system's error, which names the file.
 */
export function hashFiles({ paths }: HashAsk): HashAnswer {
  const rows = Buffer.alloc(paths.length * ROW);
  for (const [place, path] of paths.entries()) hashFile(Buffer.from(path, "latin1"), rows, place * ROW);
  return { rows: new Uint8Array(rows.buffer as ArrayBuffer, rows.byteOffset, rows.length) };
}

function hashFile(path: Buffer, rows: Buffer, at: number): void {
  const now = Date.now();
  // O_NOFOLLOW: what was a file when it was listed must not become a link out of the context; O_NONBLOCK: nor a pipe that is waited for.
  const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    const stat = fs.fstatSync(file, { bigint: true });
    const first = fs.readSync(file, buffer, 0, READ_SIZE, null);
    const whole = first < READ_SIZE && BigInt(first) === stat.size;
    writeRow(rows, at, stat, whole ? hash("sha256", buffer.subarray(0, first), "buffer") : hashOn(file, first), now);
  } finally {
    fs.closeSync(file);
  }
}

function hashOn(file: number, first: number): Buffer {
  const hashing = createHash("sha256");
  for (let count = first; count > 0; count = fs.readSync(file, buffer, 0, READ_SIZE, null)) {
    hashing.update(buffer.subarray(0, count));
  }
  return hashing.digest();
}
