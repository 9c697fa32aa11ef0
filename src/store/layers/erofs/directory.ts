import { pathBytes } from "../../../base/byte-path.ts";
import { BLOCK, DIRENT, FILE_TYPES, type FileType } from "./format.ts";

/** A name in a directory, as a byte string, and what it names. */
export interface Dirent {
  readonly name: string;
  readonly inode: { readonly number: number; readonly type: FileType };
}

/** A directory's entries in the order and the blocks in which they are found: sorted by bytes, `.` and `..` among them. */
export class DirectoryContent {
  /** Bytes; the last block need not be full. */
  readonly size: number;
  readonly #blocks: readonly (readonly Dirent[])[];

  constructor(self: Dirent["inode"], parent: Dirent["inode"], children: readonly Dirent[]) {
    const dirents = [{ name: ".", inode: self }, { name: "..", inode: parent }, ...children];
    dirents.sort((a, b) => (a.name < b.name ? -1 : 1));
    const blocks: Dirent[][] = [[]];
    let used = 0;
    for (const dirent of dirents) {
      const needed = DIRENT + dirent.name.length;
      if (used + needed > BLOCK) {
        blocks.push([]);
        used = 0;
      }
      blocks.at(-1)!.push(dirent);
      used += needed;
    }
    this.#blocks = blocks;
    this.size = (blocks.length - 1) * BLOCK + used;
  }

  /** Each block: the entries, then their names. `target` is zeros. */
  write(target: Buffer, at: number): void {
    this.#blocks.forEach((dirents, block) => writeBlock(dirents, target, at + block * BLOCK));
  }
}

/** The first entry's name offset also says how many entries there are. */
function writeBlock(dirents: readonly Dirent[], target: Buffer, start: number): void {
  let at = start;
  let name = dirents.length * DIRENT;
  for (const dirent of dirents) {
    target.writeUInt32LE(dirent.inode.number, at); // 64 bits; no image here reaches the upper ones
    target.writeUInt16LE(name, at + 8);
    target.writeUInt8(FILE_TYPES[dirent.inode.type].dirent, at + 10);
    name += pathBytes(dirent.name).copy(target, start + name);
    at += DIRENT;
  }
}
