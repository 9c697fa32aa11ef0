import { pathText, type BytePath } from "../../base/byte-path.ts";
import type { Digest, DiffId } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import type { Located } from "../../store/layers/located.ts";
import { readLayer } from "../../store/layers/read-layer.ts";
import type { StoredTar } from "../../store/layers/stored-tar.ts";
import type { Tree, TreeEntry } from "../../store/layers/tree.ts";
import type { FileSource, SourceEntry } from "../value.ts";

/** The files of a stack of layers as a source: names from the indexes, contents from the layers' tars, nothing unpacked. */
export class TreeSource implements FileSource {
  readonly name: string;
  readonly #tree: Tree;
  readonly #tarOf: (diffId: DiffId) => Promise<StoredTar>;

  constructor(name: string, tree: Tree, tarOf: (diffId: DiffId) => Promise<StoredTar>) {
    this.name = name;
    this.#tree = tree;
    this.#tarOf = tarOf;
  }

  get(path: BytePath): SourceEntry | undefined {
    if (path === "") {
      return { entry: this.#tree.get(path)?.entry ?? rootEntry };
    }
    const found = this.#tree.get(path);
    return found === undefined ? undefined : this.#sourceEntry(found);
  }

  children(path: BytePath): readonly SourceEntry[] {
    return this.#tree.children(path).map((found) => this.#sourceEntry(found));
  }

  async digests(entries: readonly Entry[]): Promise<readonly Digest[]> {
    return entries.map((entry) => {
      const { digest } = this.#file(entry).entry;
      if (digest === undefined) {
        throw new Error(`Internal error: ${pathText(entry.path)} has no digest in its layer's index`);
      }
      return digest;
    });
  }

  async locate(entries: readonly Entry[]): Promise<readonly (Located | undefined)[]> {
    const files = entries.map((entry) => this.#file(entry));
    const tars = new Map<DiffId, StoredTar>();
    for (const diffId of new Set(files.map((file) => file.diffId))) {
      tars.set(diffId, await this.#tarOf(diffId));
    }
    return files.map(({ entry, diffId }) => (entry.offset === undefined ? undefined : tars.get(diffId)!.locate(entry.offset)));
  }

  async *read(entry: Entry): AsyncIterable<Buffer> {
    const file = this.#file(entry);
    if (file.entry.size === 0) {
      return;
    }
    const tar = await this.#tarOf(file.diffId);
    if (file.entry.offset === undefined) {
      yield* sparseFile(tar, file.entry.path);
      return;
    }
    yield* tar.read(file.entry.offset, file.entry.offset + file.entry.size);
  }

  hiddenBecause(): undefined {
    return undefined;
  }

  /** A hard link as the file it names, under the link's own path. */
  #sourceEntry(found: TreeEntry): SourceEntry {
    if (found.entry.type !== "hardlink") {
      return {
        entry: found.entry,
        ...(found.entry.type === "file" ? { inode: `${found.diffId}/${found.entry.path}` } : {}),
        ...(found.implied === undefined ? {} : { implied: true }),
      };
    }
    const file = this.#file(found.entry);
    return { entry: { ...file.entry, path: found.entry.path }, inode: `${file.diffId}/${file.entry.path}` };
  }

  #file(entry: Entry): TreeEntry {
    const found = this.#tree.get(entry.path);
    if (found === undefined) {
      throw new Error(`Internal error: ${pathText(entry.path)} is not in ${this.name}`);
    }
    return found.entry.type === "hardlink" ? this.#tree.hardLinkTarget(found) : found;
  }
}

/** A file that the tar keeps without its holes does not lie there in one piece: the tar is read up to it. */
async function* sparseFile(tar: StoredTar, path: BytePath): AsyncIterable<Buffer> {
  for await (const member of readLayer(tar.read())) {
    if (member.kind === "entry" && member.entry.path === path && member.entry.type === "file") {
      yield* member.body;
      return;
    }
  }
  throw new Error(`Internal error: ${pathText(path)} is not in its layer's tar`);
}

const rootEntry: Entry = { path: "" as BytePath, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n };
