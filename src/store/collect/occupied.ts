import { readdirSync } from "node:fs";
import path from "node:path";
import { inodeAt, walkTree, type Inode } from "./walk.ts";

/** What a store takes of the disk, place by place: the sum is what `du` says of its root. */
export interface Occupied {
  readonly total: number;
  /** Bytes by place, of inodes that no other place has; a place is a path from the root: `layers/HEX`, `blobs/sha256/HEX`, `tmp`. */
  readonly places: ReadonlyMap<string, number>;
  /** Inodes that several places have, by hard links. */
  readonly shared: readonly { readonly bytes: number; readonly places: readonly string[] }[];
}

/** Directories whose entries are places of their own. */
const COLLECTIONS = ["layers", "blobs/sha256", "containers", "volumes", "caches"];
/** The place of the directories between. */
const ROOT = ".";

/** Looks at every inode below a store's root. */
export function occupied(root: string): Occupied {
  const places = new Map<string, number>();
  const linked = new Map<number | bigint, { readonly bytes: number; readonly places: Set<string> }>();
  const visitor = (place: string) => ({ id, links, bytes, isDirectory }: Inode): void => {
    if (links === 1 || isDirectory) {
      places.set(place, (places.get(place) ?? 0) + bytes);
      return;
    }
    const known = linked.get(id);
    if (known === undefined) linked.set(id, { bytes, places: new Set([place]) });
    else known.places.add(place);
  };
  const visit = (place: string): void => {
    const file = path.join(root, place);
    const splits = COLLECTIONS.some((one) => one === place || one.startsWith(`${place}/`)) || place === ROOT;
    if (!splits) {
      walkTree(file, visitor(place));
      return;
    }
    const own = inodeAt(file);
    if (own === undefined) return;
    visitor(ROOT)(own);
    for (const name of readdirSync(file)) visit(place === ROOT ? name : `${place}/${name}`);
  };
  visit(ROOT);
  const shared: { bytes: number; places: string[] }[] = [];
  for (const { bytes, places: those } of linked.values()) {
    const [first] = those;
    if (those.size === 1) places.set(first!, (places.get(first!) ?? 0) + bytes);
    else shared.push({ bytes, places: [...those] });
  }
  const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, one) => total + one, 0);
  return { total: sum(places.values()) + sum(shared.map(({ bytes }) => bytes)), places, shared };
}
