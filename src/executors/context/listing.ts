import * as fs from "node:fs";
import { FileStats, fileTypes } from "../../store/file-stats.ts";

/** A directory: its names as byte strings, sorted, and what lstat says of each. Sockets are left out, as BuildKit leaves them out. */
export interface Listing {
  readonly names: readonly string[];
  readonly stats: FileStats;
}

const ASCII = /^[\x20-\x7e]*$/;

/** Lists a directory, named by a byte string. Throws the system's error, whose `path` is what could not be read. */
export function listDirectory(directory: string): Listing {
  const names = fs.readdirSync(placeOf(directory), "latin1").sort();
  const stats = new FileStats(names.length);
  const kept: string[] = [];
  for (const name of names) {
    // The next place is written again when this name went meanwhile, or is nothing that a build sees.
    if (statInto(stats, kept.length, `${directory}/${name}`)) kept.push(name);
  }
  return { names: kept, stats };
}

/** Puts what lstat says of a file at a place; false for one that is not there, and for a socket. */
export function statInto(stats: FileStats, place: number, file: string): boolean {
  try {
    const stat = fs.lstatSync(placeOf(file), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return false;
    stats.set(place, stat);
    return stats.type(place) !== fileTypes.socket;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return false;
    throw error;
  }
}

/** A byte string for system calls: as text where it can be, which Node takes faster than bytes. */
export function placeOf(path: string): string | Buffer {
  return ASCII.test(path) ? path : Buffer.from(path, "latin1");
}
