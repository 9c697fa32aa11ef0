import { lstatSync, readdirSync, type Stats } from "node:fs";
import { errnoOf } from "../../base/failure.ts";

/** What one path of a tree takes of the disk. */
export interface Inode {
  /** Names the inode on its file system. */
  readonly id: number | bigint;
  /** How many paths it has, here and elsewhere. */
  readonly links: number;
  /** Bytes of the disk, as `du` counts them: blocks of 512 (stat(2), st_blocks). */
  readonly bytes: number;
  readonly isDirectory: boolean;
}

const BLOCK = 512;

/** Visits a path and all below it, directories before what is in them; an inode with several paths at each of them. What may not be read, or goes meanwhile, is passed over, as by `du`. */
export function walkTree(top: string, visit: (inode: Inode) => void): void {
  // File names are bytes, which as latin1 are neither lost nor changed.
  const pending = [Buffer.from(top).toString("latin1")];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const inode = inodeAt(Buffer.from(next, "latin1"));
    if (inode === undefined) continue;
    visit(inode);
    if (inode.isDirectory) for (const name of namesIn(Buffer.from(next, "latin1"))) pending.push(`${next}/${name}`);
  }
}

/** What a path by itself takes; undefined where nothing is. */
export function inodeAt(path: string | Buffer): Inode | undefined {
  const stats = statOf(path);
  if (stats === undefined) return undefined;
  const { ino, nlink, blocks } = stats;
  const id = Number.isSafeInteger(ino) ? ino : (lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? ino);
  return { id, links: nlink, bytes: blocks * BLOCK, isDirectory: stats.isDirectory() };
}

function statOf(path: string | Buffer): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return passedOver(error, undefined);
  }
}

function namesIn(directory: Buffer): readonly string[] {
  try {
    return readdirSync(directory, { encoding: "latin1" });
  } catch (error) {
    return passedOver(error, []);
  }
}

function passedOver<T>(error: unknown, instead: T): T {
  if (["EACCES", "EPERM", "ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return instead;
  throw error;
}
