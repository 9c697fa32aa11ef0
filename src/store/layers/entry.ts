import type { BytePath } from "../../base/byte-path.ts";
import type { Digest } from "../../oci/digest.ts";

export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo" | "whiteout";

/**
 * One line of a layer's index: what the layer does to one path.
 * A whiteout deletes the path below; an opaque directory hides all that lies below it
 * (OCI image-spec, layer.md, Whiteouts). In the index both are facts, never `.wh.` names.
 */
export interface Entry {
  readonly path: BytePath;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0o0000–0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content; 0 unless a file. */
  readonly size: number;
  /** Nanoseconds since the epoch; may be negative. */
  readonly mtime: bigint;
  /** A symlink's target (byte string, as it stands) or a hard link's target (a {@link BytePath} of the same layer). */
  readonly link?: string;
  readonly opaque?: true;
  readonly major?: number;
  readonly minor?: number;
  /** Extended attributes by name, values as bytes; without overlayfs's own. */
  readonly xattrs?: ReadonlyMap<string, Buffer>;
  /** sha256 of a file's content. */
  readonly digest?: Digest;
  /** Where a file's content starts in the layer's uncompressed tar. */
  readonly offset?: number;
}
