import { createReadStream } from "node:fs";
import { pathText, type BytePath } from "../../base/byte-path.ts";
import type { Digest, DiffId } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { readLayer } from "../../store/layers/read-layer.ts";
import type { Tree, TreeEntry } from "../../store/layers/tree.ts";
import type { FileSource, SourceEntry } from "../value.ts";

/** The files of a stack of layers as a source: names from the indexes, contents from the layers' tars, nothing unpacked. */
export class TreeSource implements FileSource {
  readonly name: string;
  readonly #tree: Tree;
  readonly #tarPath: (diffId: DiffId) => Promise<string>;

  constructor(name: string, tree: Tree, tarPath: (diffId: DiffId) => Promise<string>) {
    this.name = name;
    this.#tree = tree;
    this.#tarPath = tarPath;
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

  async digest(entry: Entry): Promise<Digest> {
    const digest = this.#file(entry).entry.digest;
    if (digest === undefined) {
      throw new Error(`Internal error: ${pathText(entry.path)} has no digest in its layer's index`);
    }
    return digest;
  }

  async *read(entry: Entry): AsyncIterable<Buffer> {
    const file = this.#file(entry);
    if (file.entry.size === 0) {
      return;
    }
    const start = file.entry.offset;
    const tar = await this.#tarPath(file.diffId);
    if (start === undefined) {
      yield* sparseFile(tar, file.entry.path);
      return;
    }
    yield* createReadStream(tar, { start, end: start + file.entry.size - 1 });
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
async function* sparseFile(tar: string, path: BytePath): AsyncIterable<Buffer> {
  for await (const member of readLayer(createReadStream(tar, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)) {
    if (member.kind === "entry" && member.entry.path === path && member.entry.type === "file") {
      yield* member.body;
      return;
    }
  }
  throw new Error(`Internal error: ${pathText(path)} is not in its layer's tar`);
}

const rootEntry: Entry = { path: "" as BytePath, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n };
