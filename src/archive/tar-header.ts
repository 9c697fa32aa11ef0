export type TarType = "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";

/** What a tar archive says about one member. Names are byte strings: one UTF-16 unit a byte, as in base/byte-path.ts. */
export interface TarHeader {
  /** As it stands in the archive, except for the slashes that end a directory's name. */
  readonly name: string;
  readonly type: TarType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content, holes of a sparse file included; 0 unless a file. */
  readonly size: number;
  /** Nanoseconds since the epoch; may be negative. */
  readonly mtime: bigint;
  /** Target of a symbolic or hard link, as it stands. */
  readonly link?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Extended attributes (PAX records `SCHILY.xattr.*`). */
  readonly xattrs?: ReadonlyMap<string, Buffer>;
}

/** Type flags (POSIX ustar; 7 is a "contiguous" file, which is a file). */
export const TYPE_OF_FLAG: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

export const BLOCK = 512;

/** The zeros between a body of `size` bytes and the next header. */
export function paddingAfter(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
