import { createHash } from "node:crypto";
import { settledFrom } from "../../store/file-digests.ts";
import { CTIME, FIELDS, fileTypes, MODE, MTIME, type FileStats } from "../../store/file-stats.ts";

/** Many small updates of a hash cost more than the hashing. */
const ROOM = 1 << 16;

/** A hash over names and stats of files, in order. */
export class Signature {
  readonly #hash = createHash("sha256");
  readonly #room = Buffer.allocUnsafe(ROOM);
  #filled = 0;
  #settled = 0n;

  /** A byte string; none that follows another can be taken for a part of it. */
  text(value: string): void {
    if (value.length + 1 > ROOM - this.#filled) this.#flush();
    if (value.length + 1 > ROOM) this.#hash.update(Buffer.from(value, "latin1"));
    else this.#filled += this.#room.write(value, this.#filled, "latin1");
    this.#room[this.#filled] = 0;
    this.#filled += 1;
  }

  /** Of a directory only type and mode: its other numbers change with what is left out of it. */
  stat(stats: FileStats, place: number): void {
    if (ROOM - this.#filled < FIELDS * 8) this.#flush();
    const at = place * FIELDS;
    const directory = stats.type(place) === fileTypes.directory;
    const [from, to] = directory ? [at + MODE, at + MODE + 1] : [at, at + FIELDS];
    this.#filled += stats.bytes.copy(this.#room, this.#filled, from * 8, to * 8);
    // Whether a file's digest is sure is told by when it was hashed, which was after it was listed.
    if (directory || stats.type(place) === fileTypes.file) return;
    const settled = settledFrom(stats.big(place, MTIME), stats.big(place, CTIME));
    if (settled > this.#settled) this.#settled = settled;
  }

  /** From when on no link or other thing of it can change any more without changing it too; nanoseconds since the epoch. */
  get settled(): bigint {
    return this.#settled;
  }

  /** sha256 of it all. */
  digest(): Buffer {
    this.#flush();
    return this.#hash.digest();
  }

  #flush(): void {
    this.#hash.update(this.#room.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
