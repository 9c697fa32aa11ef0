import { baseName, bytePath, joinPath, parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import type { DiffId } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";
import type { LayerIndex } from "./layer-index.ts";
import { TreeError } from "./tree-error.ts";

/** An entry with the layer that it is in. */
export interface TreeEntry {
  readonly entry: Entry;
  readonly diffId: DiffId;
  /** A directory that no layer names, only something in it. */
  readonly implied?: true;
}

const MAX_LINKS = 40;

/**
 * A stack of layers as one read-only file tree, made from the indexes alone: upper entries replace lower ones,
 * whiteouts delete, opaque directories hide (OCI image-spec, layer.md, Applying Changesets).
 */
export class Tree {
  readonly #entries = new Map<BytePath, TreeEntry>();
  readonly #children = new Map<BytePath, Set<string>>();
  /** For each hard link, the file it names in its own layer, which a later layer may have replaced. */
  readonly #linked = new Map<Entry, TreeEntry>();

  /** `layers` come lowest first. */
  constructor(layers: readonly { readonly diffId: DiffId; readonly index: LayerIndex }[]) {
    for (const layer of layers) {
      this.#applyLayer(layer.diffId, layer.index);
    }
  }

  /** The entry at exactly this path; symlinks on the way are not followed. */
  get(path: BytePath): TreeEntry | undefined {
    return this.#entries.get(path);
  }

  /** The entries directly below a directory, sorted by name. */
  children(path: BytePath): readonly TreeEntry[] {
    const names = [...(this.#children.get(path) ?? [])].sort((a, b) => (a < b ? -1 : 1));
    return names.map((name) => this.#entries.get(joinPath(path, name))!);
  }

  /** Every entry at and below a path, parents before children. */
  *walk(path: BytePath = "" as BytePath): Iterable<TreeEntry> {
    const own = this.#entries.get(path);
    if (own !== undefined) {
      yield own;
    }
    for (const child of this.children(path)) {
      yield* this.walk(child.entry.path);
    }
  }

  /** The file that a hard link names, links to links followed. */
  hardLinkTarget(link: TreeEntry): TreeEntry {
    const target = this.#linked.get(link.entry);
    if (target === undefined) {
      throw new TreeError("broken-link", `the hard link "/${pathText(link.entry.path)}" names "/${pathText(link.entry.link ?? "")}", which is not a file of its layer`);
    }
    return target;
  }

  /**
   * Follows a path of text from the root, symlinks included, as if in a chroot: `..` and links never leave the tree.
   * What does not exist is kept as it stands, so the result is where a file of that name would be made.
   * Throws {@link TreeError} after 40 links.
   */
  resolve(path: string): { readonly path: BytePath; readonly entry?: TreeEntry } {
    const pending = bytePath(path).split("/");
    let done = "" as BytePath;
    let links = 0;
    while (pending.length > 0) {
      const part = pending.shift()!;
      if (part === "" || part === ".") {
        continue;
      }
      if (part === "..") {
        done = parentPath(done);
        continue;
      }
      const next = joinPath(done, part);
      const link = this.#entries.get(next)?.entry;
      if (link?.type !== "symlink") {
        done = next;
        continue;
      }
      links += 1;
      if (links > MAX_LINKS) {
        throw new TreeError("too-many-links", `too many symbolic links on the way to ${JSON.stringify(path)} in the image`);
      }
      const target = link.link ?? "";
      done = target.startsWith("/") ? ("" as BytePath) : done;
      pending.unshift(...target.split("/"));
    }
    const entry = this.#entries.get(done);
    return { path: done, ...(entry === undefined ? {} : { entry }) };
  }

  #applyLayer(diffId: DiffId, index: LayerIndex): void {
    // Deletions first: they speak of the layers below, wherever they stand in this one.
    for (const entry of index.entries) {
      if (entry.type === "whiteout") {
        this.#remove(entry.path);
      } else if (entry.opaque === true) {
        this.#removeChildren(entry.path);
      }
    }
    for (const entry of index.entries) {
      if (entry.type !== "whiteout") {
        this.#put(entry, diffId, index);
      }
    }
  }

  #put(entry: Entry, diffId: DiffId, index: LayerIndex): void {
    if (entry.type !== "directory") {
      this.#removeChildren(entry.path);
    }
    this.#ensureParents(entry.path, diffId);
    this.#entries.set(entry.path, { entry, diffId });
    if (entry.path !== "") {
      this.#childNames(parentPath(entry.path)).add(baseName(entry.path));
    }
    if (entry.type === "hardlink") {
      this.#noteLink(entry, diffId, index);
    }
  }

  #noteLink(entry: Entry, diffId: DiffId, index: LayerIndex): void {
    let target = index.get((entry.link ?? "") as BytePath);
    for (let hops = 0; target?.type === "hardlink" && hops < MAX_LINKS; hops += 1) {
      target = index.get((target.link ?? "") as BytePath);
    }
    const found = target === undefined ? this.#entries.get((entry.link ?? "") as BytePath) : { entry: target, diffId };
    if (found !== undefined && found.entry.type === "hardlink") {
      const further = this.#linked.get(found.entry);
      if (further !== undefined) this.#linked.set(entry, further);
    } else if (found !== undefined) {
      this.#linked.set(entry, found);
    }
  }

  /** A layer may name a file without its directories; they are then made with mode 0755 by whoever applies it. */
  #ensureParents(path: BytePath, diffId: DiffId): void {
    if (path === "") {
      return;
    }
    const parent = parentPath(path);
    if (parent === "" || this.#entries.get(parent)?.entry.type === "directory") {
      return;
    }
    this.#ensureParents(parent, diffId);
    this.#entries.set(parent, { entry: { path: parent, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n }, diffId, implied: true });
    this.#childNames(parentPath(parent)).add(baseName(parent));
  }

  #childNames(path: BytePath): Set<string> {
    let names = this.#children.get(path);
    if (names === undefined) {
      names = new Set();
      this.#children.set(path, names);
    }
    return names;
  }

  #remove(path: BytePath): void {
    this.#removeChildren(path);
    this.#entries.delete(path);
    this.#children.get(parentPath(path))?.delete(baseName(path));
  }

  #removeChildren(path: BytePath): void {
    for (const name of this.#children.get(path) ?? []) {
      const child = joinPath(path, name);
      this.#removeChildren(child);
      this.#entries.delete(child);
    }
    this.#children.delete(path);
  }
}
