import { baseName, parentPath, type BytePath } from "../../../base/byte-path.ts";
import type { Entry } from "../entry.ts";
import { DirectoryContent } from "./directory.ts";
import { MAX_NAME } from "./format.ts";
import { Inode } from "./inode.ts";
import { Unrepresentable } from "./unrepresentable.ts";

const MAX_LINKS = 40;

/** The inodes of a layer, the root first: one for each entry but hard links, and for each directory that is only implied. */
export function inodesOf(entries: Iterable<Entry>): Inode[] {
  const tree = new InodeTree();
  const links: Entry[] = [];
  for (const entry of entries) {
    if (entry.type === "hardlink") {
      links.push(entry);
    } else {
      tree.add(entry);
    }
  }
  tree.link(links);
  return tree.finish();
}

class InodeTree {
  readonly #byPath = new Map<BytePath, Inode>();
  readonly #inodes: Inode[] = [];

  add(entry: Entry): Inode {
    if (this.#inodes.length === 0 && entry.path !== "") {
      this.add(impliedDirectory("" as BytePath));
    }
    const inode = new Inode(entry);
    this.#inodes.push(inode);
    this.#byPath.set(entry.path, inode);
    if (entry.path !== "") {
      this.#enter(entry.path, inode);
    }
    return inode;
  }

  /** Gives files their further names. A link may name another link. */
  link(links: readonly Entry[]): void {
    const byPath = new Map(links.map((entry) => [entry.path, entry]));
    for (const entry of links) {
      let target = entry.link as BytePath;
      for (let hops = 0; byPath.has(target) && hops < MAX_LINKS; hops += 1) {
        target = byPath.get(target)!.link as BytePath;
      }
      const inode = this.#byPath.get(target);
      if (inode === undefined || inode.type === "directory") {
        throw new Unrepresentable(entry.path, "it is a hard link to no file of the layer");
      }
      inode.links += 1;
      this.#enter(entry.path, inode);
    }
  }

  finish(): Inode[] {
    if (this.#inodes.length === 0) {
      this.add(impliedDirectory("" as BytePath));
    }
    for (const inode of this.#inodes) {
      if (inode.type === "directory") {
        inode.directory = new DirectoryContent(inode, this.#byPath.get(parentPath(inode.entry.path))!, inode.children);
      }
    }
    return this.#inodes;
  }

  #enter(path: BytePath, inode: Inode): void {
    const name = baseName(path);
    if (name.length > MAX_NAME) {
      throw new Unrepresentable(path, `its name has ${name.length} bytes`);
    }
    const parent = this.#byPath.get(parentPath(path)) ?? this.add(impliedDirectory(parentPath(path)));
    if (parent.type !== "directory") {
      throw new Unrepresentable(path, `it lies below a ${parent.type}`);
    }
    parent.children.push({ name, inode });
    if (inode.type === "directory") {
      parent.links += 1; // its ".."
    }
  }
}

/** As whoever unpacks a layer makes them. */
function impliedDirectory(path: BytePath): Entry {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n };
}
