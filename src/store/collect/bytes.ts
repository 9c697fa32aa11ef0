import { statSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { readIndex } from "../layers/index-file.ts";

/**
 * The bytes that a layer's own materials take of the disk: its files, and its directories' files; not its blobs. A file
 * that several layers have stretches of their tars in counts in parts, so that the sum over all layers is what they take.
 */
export async function layerBytes(place: string): Promise<number> {
  const materials = await readdir(place).catch(() => []);
  const sizes = await Promise.all(materials.map((each) => materialBytes(place, each)));
  return Math.round(sizes.reduce((sum, size) => sum + size, 0));
}

async function materialBytes(place: string, name: string): Promise<number> {
  const file = path.join(place, name);
  if (name.startsWith("directory.")) return unpackedBytes(path.join(place, "index"));
  if (name.startsWith("delta.")) return treeBytes(file);
  if (name !== "tar.parts") return sharedBytes(file);
  const parts = await readdir(file).catch(() => []);
  return parts.reduce((sum, part) => sum + sharedBytes(path.join(file, part)), 0);
}

function sharedBytes(file: string): number {
  const { size, nlink } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0, nlink: 1 };
  return size / nlink;
}

/** The bytes of all files below a directory, each once; what may not be read counts nothing. */
export async function treeBytes(directory: string): Promise<number> {
  const seen = new Set<number>();
  let sum = 0;
  const pending = [directory];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      const file = path.join(next, entry.name);
      if (entry.isDirectory()) {
        pending.push(file);
        continue;
      }
      const { ino, nlink, size } = await lstat(file).catch(() => ({ ino: 0, nlink: 1, size: 0 }));
      if (nlink > 1 && seen.has(ino)) continue;
      seen.add(ino);
      sum += entry.isFile() ? size : 0;
    }
  }
  return sum;
}

/** Reading the index is much faster than walking the directory. */
async function unpackedBytes(index: string): Promise<number> {
  try {
    const { entries } = await readIndex(index);
    return entries.reduce((sum, { size }) => sum + size, 0);
  } catch {
    return 0; // a damaged layer takes room too, but how much is not worth a failure
  }
}
