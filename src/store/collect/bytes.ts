import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inodeAt, walkTree } from "./walk.ts";

/** Bytes of the disk of a path and all below it, each inode once. As an ordinary user what others own may not count. */
export function treeBytes(top: string): number {
  const seen = new Set<number | bigint>();
  let sum = 0;
  walkTree(top, ({ id, links, bytes, isDirectory }) => {
    if (links > 1 && !isDirectory) {
      if (seen.has(id)) return;
      seen.add(id);
    }
    sum += bytes;
  });
  return sum;
}

/** Bytes of the disk that are free once these trees are removed: an inode that has a path elsewhere stays. */
export function freedBytes(tops: readonly string[]): number {
  const met = new Map<number | bigint, number>();
  let sum = 0;
  const visit = ({ id, links, bytes, isDirectory }: { readonly id: number | bigint; readonly links: number; readonly bytes: number; readonly isDirectory: boolean }): void => {
    const here = isDirectory ? links : (met.get(id) ?? 0) + 1;
    if (links > 1 && !isDirectory) met.set(id, here);
    if (here >= links) sum += bytes;
  };
  for (const top of tops) walkTree(top, visit);
  return sum;
}

/**
 * The bytes that a layer's own materials take of the disk, without its blobs. A file that several layers have
 * stretches of their tars in counts in parts, so that the sum over all layers is what they take.
 */
export function layerBytes(place: string): number {
  const sizes = materialsIn(place).map((name) => materialBytes(path.join(place, name)));
  return Math.round(sizes.reduce((sum, size) => sum + size, inodeAt(place)?.bytes ?? 0));
}

function materialBytes(file: string): number {
  const name = path.basename(file);
  if (name.startsWith("directory.") || name.startsWith("delta.")) return unpackedBytes(file);
  let sum = 0;
  walkTree(file, ({ links, bytes, isDirectory }) => (sum += isDirectory ? bytes : bytes / links));
  return sum;
}

/** An unpacked layer never changes, and may have very many files: what they take is counted once and written beside them. */
function unpackedBytes(wrapped: string): number {
  const note = path.join(wrapped, "bytes");
  const known = numberIn(note);
  if (known !== undefined) return known;
  const bytes = treeBytes(wrapped);
  try {
    writeFileSync(note, `${bytes}\n`);
  } catch {
    // A full or read-only disk: it is counted again.
  }
  return bytes;
}

/** Undefined also for one that was cut short. */
function numberIn(file: string): number | undefined {
  try {
    const text = readFileSync(file, "utf8");
    return /^\d+\n$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

function materialsIn(place: string): readonly string[] {
  try {
    return readdirSync(place);
  } catch {
    return []; // it is being removed
  }
}
