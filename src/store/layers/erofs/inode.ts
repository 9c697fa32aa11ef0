import type { Entry } from "../entry.ts";
import { attributeCount, encodeAttributes } from "./attributes.ts";
import { DirectoryContent, type Dirent } from "./directory.ts";
import { BLOCK, FILE_TYPES, FORMAT_BLOCKS, FORMAT_INLINE, INODE_SIZE, roundUp, SLOT, type FileType } from "./format.ts";
import { Unrepresentable } from "./unrepresentable.ts";

const SECOND = 1_000_000_000n;
/** A link this long finds room within a block wherever its inode's attributes end. */
const MAX_INLINE_LINK = BLOCK - SLOT;
/** The kernel keeps a longer link's text in one page, and its NUL. */
const MAX_LINK = 4095;

/** A file of the image: what its entry says, where its parts lie, and the names that it has. */
export class Inode {
  readonly entry: Entry;
  readonly type: FileType;
  /** What lies in a directory; `.` and `..` are added by {@link DirectoryContent}. */
  readonly children: Dirent[] = [];
  links = 1;
  /** Bytes from the image's start. */
  at = 0;
  /** The block where the content starts, if it has blocks of its own. */
  block = 0;
  /** A directory's content; set once all its children are known. */
  directory: DirectoryContent | undefined;
  readonly #attributes: Buffer;
  readonly #device: number;

  constructor(entry: Entry) {
    this.entry = entry;
    this.type = fileType(entry);
    this.links = this.type === "directory" ? 2 : 1;
    this.#attributes = encodeAttributes(entry);
    this.#device = this.type === "character" || this.type === "block" ? deviceNumber(entry) : 0;
    if (this.type === "symlink" && entry.link!.length > MAX_LINK) {
      throw new Unrepresentable(entry.path, `it is a link of ${entry.link!.length} bytes`);
    }
  }

  /** What directories name it by: its place in slots. */
  get number(): number {
    return this.at / SLOT;
  }

  /** Bytes of the content. */
  get size(): number {
    if (this.type === "file") return this.entry.size;
    return this.type === "symlink" ? this.entry.link!.length : (this.directory?.size ?? 0);
  }

  get isInline(): boolean {
    return this.type === "symlink" && this.size <= MAX_INLINE_LINK;
  }

  /** Takes the first place at or after `from` that suits; returns where it ends. Content within the inode may not cross a block. */
  place(from: number): number {
    const before = INODE_SIZE + this.#attributes.length;
    const inline = this.isInline ? this.size : 0;
    let at = from;
    while (((at + before) % BLOCK) + inline > BLOCK) {
      at += SLOT;
    }
    this.at = at;
    return roundUp(at + before + inline, SLOT);
  }

  /** Writes the inode, its attributes, and content that lies within it. `target` is zeros. */
  write(target: Buffer, at: number): void {
    const { mode, uid, gid, mtime } = this.entry;
    const nanoseconds = ((mtime % SECOND) + SECOND) % SECOND;
    target.writeUInt16LE(this.isInline ? FORMAT_INLINE : FORMAT_BLOCKS, at);
    target.writeUInt16LE(attributeCount(this.#attributes), at + 2);
    target.writeUInt16LE(FILE_TYPES[this.type].mode | (mode & 0o7777), at + 4);
    target.writeBigUInt64LE(BigInt(this.size), at + 8);
    target.writeUInt32LE(this.block || this.#device, at + 16);
    target.writeUInt32LE(uid, at + 24);
    target.writeUInt32LE(gid, at + 28);
    target.writeBigInt64LE((mtime - nanoseconds) / SECOND, at + 32);
    target.writeUInt32LE(Number(nanoseconds), at + 40);
    target.writeUInt32LE(this.links, at + 44);
    this.#attributes.copy(target, at + INODE_SIZE);
    if (this.isInline) {
      target.write(this.entry.link!, at + INODE_SIZE + this.#attributes.length, "latin1");
    }
  }
}

/** The kernel's own form of a device number: 12 bits and 20. A whiteout is device 0:0. */
function deviceNumber({ path, major = 0, minor = 0 }: Entry): number {
  if (major > 0xfff || minor > 0xfffff) {
    throw new Unrepresentable(path, `there is no device ${major}:${minor}`);
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

function fileType({ type, path }: Entry): FileType {
  if (type === "whiteout") {
    return "character"; // device 0:0, which overlayfs takes for one
  }
  if (type === "hardlink") {
    throw new Error(`Internal error: the hard link ${JSON.stringify(path)} has no inode of its own`);
  }
  return type;
}
