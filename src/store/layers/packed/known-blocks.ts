import { statSync } from "node:fs";
import { GZIP_HEADER } from "../../../archive/gzip-blocks.ts";
import { StoredTar, type TarPart } from "../stored-tar.ts";
import type { BlockTable, PackedBlock } from "./block-table.ts";

/** A layer whose gzip was made here, as it can be handed to a thread. */
export interface PackedLayer {
  readonly parts: readonly TarPart[];
  readonly table: BlockTable;
  /** The gzip's file. */
  readonly gzip: string;
}

/** A block that stands compressed in a gzip of the store. */
export interface KnownBlock extends PackedBlock {
  readonly gzip: string;
  /** Where in the gzip it starts. */
  readonly at: number;
}

interface Candidate extends KnownBlock {
  readonly tar: StoredTar;
  /** Where in that tar it starts. */
  readonly start: number;
}

/** Finds blocks of a tar that were compressed before, as blocks of tars with which it shares files of the store. */
export class KnownBlocks {
  readonly #tar: StoredTar;
  /** By the place of their first byte on the disk. */
  readonly #candidates = new Map<string, Candidate>();
  readonly #files = new Map<string, string>();

  constructor(tar: StoredTar, others: Iterable<PackedLayer>) {
    this.#tar = tar;
    const files = new Set(tar.parts.map(({ file }) => this.#fileOf(file)));
    for (const other of others) {
      if (other.parts.some(({ file }) => files.has(this.#fileOf(file)))) this.#addAll(other);
    }
  }

  /** A block that begins at `start` in the tar, and would be cut there; undefined when none is known. */
  find(start: number): KnownBlock | undefined {
    const found = this.#candidates.get(this.#placeOf(this.#tar, start));
    if (found === undefined) return undefined;
    const end = start + found.length;
    if (end > this.#tar.size) return undefined;
    // The last block ends because the tar does, not because of its own bytes.
    if (found.start + found.length === found.tar.size && end !== this.#tar.size) return undefined;
    return this.#bytesOf(this.#tar, start, end) === this.#bytesOf(found.tar, found.start, found.start + found.length) ? found : undefined;
  }

  #addAll({ parts, table, gzip }: PackedLayer): void {
    const tar = new StoredTar(parts);
    let start = 0;
    let at = GZIP_HEADER.length;
    for (const block of table.blocks) {
      if (start + block.length > tar.size) return;
      this.#candidates.set(this.#placeOf(tar, start), { ...block, gzip, at, tar, start });
      start += block.length;
      at += block.size;
    }
  }

  #placeOf(tar: StoredTar, at: number): string {
    const { file, offset } = tar.locate(at);
    return `${this.#fileOf(file)}:${offset}`;
  }

  /** Which bytes of which files a stretch of a tar is. */
  #bytesOf(tar: StoredTar, start: number, end: number): string {
    return tar.stretches(start, end).map(({ file, offset, length }) => `${this.#fileOf(file)}:${offset}+${length}`).join();
  }

  /** A file as itself, whatever its names: layers share them by hard links. */
  #fileOf(name: string): string {
    let file = this.#files.get(name);
    if (file === undefined) {
      const stat = statSync(name, { bigint: true, throwIfNoEntry: false });
      // An earlier layer may go at any moment; then it has nothing in common with any other.
      file = stat === undefined ? name : `${stat.dev}:${stat.ino}`;
      this.#files.set(name, file);
    }
    return file;
  }
}
