import type { Entry } from "../store/layers/entry.ts";
import type { BytePath } from "../base/byte-path.ts";
import type { Digest, DiffId } from "../oci/digest.ts";
import type { Signature } from "./context/signature.ts";
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
  /** Where there is something that tells states of the source from one another and costs less than digests. */
  readonly signed?: SignedSource | undefined;
  /** Why a path that exists cannot be seen: `excluded by .dockerignore, line 3: "*.log"`; undefined when it is simply absent. */
  hiddenBecause(path: BytePath): string | undefined;
}

/** A source of which a signature can be taken: while it is the same, so is everything that {@link FileSource} says. */
export interface SignedSource {
  /** What it is, on this machine. */
  readonly place: string;
  /** Adds the entry at a path and all below it; with `sees`, only what that lets pass. */
  sign(at: BytePath, signature: Signature, sees?: (at: BytePath, directory: boolean) => boolean): Promise<void>;
  /** Whether the digests of these files are sure to be those of the state that was signed. */
  vouches(files: readonly Entry[]): boolean;
}
