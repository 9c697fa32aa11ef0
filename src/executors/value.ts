import type { Entry } from "../store/layers/entry.ts";
import type { BytePath } from "../base/byte-path.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { Located } from "../store/layers/located.ts";

/** A step's result: a file tree as a stack of layers, or the files of a build context. */
export type Value = TreeValue | { readonly kind: "files"; readonly source: FileSource };

export interface TreeValue {
  readonly kind: "tree";
  /** Lowest first. */
  readonly layers: readonly DiffId[];
  /** When the uppermost layer was made, RFC 3339; undefined for an empty tree. */
  readonly created?: string;
}

/** An entry of a source with what tells hard links of one file apart from copies. */
export interface SourceEntry {
  readonly entry: Entry;
  /** Equal for the names of one file; undefined where a file has one name. */
  readonly inode?: string;
  /** A directory that the source does not name, only something in it: it has no metadata of its own. */
  readonly implied?: true;
}

/** Read-only files that a COPY may choose from: a build context, or the tree of a stage or image. */
export interface FileSource {
  /** For people: "the build context", "stage build". */
  readonly name: string;
  /** The entry itself, symlinks not followed. Undefined where there is none or it is ignored. */
  get(path: BytePath): SourceEntry | undefined;
  /** The entries of a directory, sorted by name. */
  children(path: BytePath): readonly SourceEntry[];
  /** sha256 of each file's content. */
  digests(entries: readonly Entry[]): Promise<readonly Digest[]>;
  /** Where the content of each file lies on this machine; undefined for one that does not lie in one piece. */
  locate(entries: readonly Entry[]): Promise<readonly (Located | undefined)[]>;
  /** A file's content. */
  read(entry: Entry): AsyncIterable<Buffer>;
  /** Why a path that exists cannot be seen: `excluded by .dockerignore, line 3: "*.log"`; undefined when it is simply absent. */
  hiddenBecause(path: BytePath): string | undefined;
}
