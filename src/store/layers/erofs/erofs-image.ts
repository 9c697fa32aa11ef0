import type { BytePath } from "../../../base/byte-path.ts";
import type { Entry } from "../entry.ts";
import { BLOCK, BLOCK_BITS, COMPAT_MTIME, DEVICE_SLOT, DEVICE_TABLE_AT, INCOMPAT_DEVICE_TABLE, MAX_BLOCKS, SUPERBLOCK_AT, SUPERBLOCK_MAGIC } from "./format.ts";
import type { Inode } from "./inode.ts";
import { inodesOf } from "./inodes.ts";
import { packPieces, type Piece } from "./pieces.ts";
import { Unrepresentable } from "./unrepresentable.ts";

/** Where a file's content lies: in which device, from which byte on. */
export interface ErofsPlace {
  readonly device: number;
  readonly offset: number;
}

export interface ErofsSource {
  /** A layer's index, sorted by path. */
  readonly entries: Iterable<Entry>;
  /** The files that hold the contents, in the order in which a mount names them; sizes in bytes. */
  readonly devices: readonly { readonly size: number }[];
  /** The place of a file that is not empty; by default its offset in the first device. Undefined if its bytes lie nowhere in one piece. */
  place?(entry: Entry): ErofsPlace | undefined;
  /** 16 bytes that tell this image from others; overlayfs wants them to differ. */
  readonly uuid?: Buffer;
}

export interface ErofsImage {
  readonly kind: "image";
  /** Bytes. */
  readonly size: number;
  /** The image from its start to its end. */
  chunks(): Iterable<Buffer>;
}

/** Why a layer cannot be mounted in place, and because of which of its entries. */
export interface NoErofsImage {
  readonly kind: "unrepresentable";
  readonly path: BytePath;
  readonly reason: string;
}

/**
 * An EROFS image of a layer's metadata. It holds no file's content: all contents are ranges of the devices, which
 * a mount gets beside it (`mount -t erofs -o device=TAR IMAGE DIRECTORY`; Linux 6.12 mounts plain files). Whiteouts
 * and opaque directories are overlayfs's own, in root's dialect. The same source gives the same bytes.
 */
export function erofsImage(source: ErofsSource): ErofsImage | NoErofsImage {
  try {
    const layout = layOut(source);
    return { kind: "image", size: layout.blocks * BLOCK, chunks: () => packPieces(piecesOf(layout), layout.blocks * BLOCK) };
  } catch (error) {
    if (error instanceof Unrepresentable) {
      return { kind: "unrepresentable", path: error.path, reason: error.message };
    }
    throw error;
  }
}

/** Bytes of an image's start that say what it is, over so many devices. */
export function headSize(devices: number): number {
  return DEVICE_TABLE_AT + devices * DEVICE_SLOT;
}

/** Whether a file of `size` bytes that starts with `head` is an image over devices of these sizes, as it was written. */
export function isWholeImage(head: Buffer, size: number, devices: ErofsSource["devices"]): boolean {
  const at = SUPERBLOCK_AT;
  if (head.length < headSize(devices.length) || head.readUInt32LE(at) !== SUPERBLOCK_MAGIC || head.readUInt32LE(at + 36) * BLOCK !== size || head.readUInt16LE(at + 86) !== devices.length) {
    return false;
  }
  return devices.every((device, index) => head.readUInt32LE(DEVICE_TABLE_AT + index * DEVICE_SLOT + 64) === Math.ceil(device.size / BLOCK));
}

interface Layout {
  readonly inodes: readonly Inode[];
  /** Of the image. */
  readonly blocks: number;
  readonly devices: readonly DeviceRange[];
  readonly uuid: Buffer | undefined;
}

/** A device's blocks in the numbers that go through the image and all devices, so that an inode needs no more than one number. */
interface DeviceRange {
  readonly first: number;
  readonly blocks: number;
}

/** Superblock, devices, inodes, then what has blocks of its own. The root comes first: its number has 16 bits only. */
function layOut(source: ErofsSource): Layout {
  const inodes = inodesOf(source.entries);
  let at = headSize(source.devices.length);
  for (const inode of inodes) {
    at = inode.place(at);
  }
  if (inodes[0]!.number > 0xffff) {
    throw new Error(`Internal error: an EROFS image of ${source.devices.length} devices`);
  }
  let blocks = Math.ceil(at / BLOCK);
  for (const inode of inodes.filter(hasBlocks)) {
    inode.block = blocks;
    blocks += Math.ceil(inode.size / BLOCK);
  }
  const devices = rangesOf(source.devices, blocks);
  for (const inode of inodes) {
    if (inode.type === "file" && inode.size > 0) inode.block = blockOf(inode.entry, source, devices);
  }
  return { inodes, blocks, devices, uuid: source.uuid };
}

function hasBlocks(inode: Inode): boolean {
  return inode.type === "directory" || (inode.type === "symlink" && !inode.isInline);
}

function rangesOf(devices: ErofsSource["devices"], start: number): DeviceRange[] {
  let first = start;
  const ranges = devices.map(({ size }) => {
    const range = { first, blocks: Math.ceil(size / BLOCK) };
    first += range.blocks;
    return range;
  });
  if (first > MAX_BLOCKS) {
    throw new Unrepresentable("" as BytePath, `the layer takes ${first} blocks of ${BLOCK} bytes, more than ${MAX_BLOCKS}`);
  }
  return ranges;
}

function blockOf(entry: Entry, source: ErofsSource, devices: readonly DeviceRange[]): number {
  const place = source.place === undefined ? (entry.offset === undefined ? undefined : { device: 0, offset: entry.offset }) : source.place(entry);
  if (place === undefined) {
    throw new Unrepresentable(entry.path, "its content does not lie in one piece");
  }
  const range = devices[place.device];
  if (place.offset % BLOCK !== 0) {
    throw new Unrepresentable(entry.path, `its content starts at byte ${place.offset}, within a block`);
  }
  if (range === undefined || place.offset + entry.size > range.blocks * BLOCK) {
    throw new Error(`Internal error: ${JSON.stringify(entry.path)} lies outside of device ${place.device}`);
  }
  return range.first + place.offset / BLOCK;
}

function* piecesOf(layout: Layout): Iterable<Piece> {
  yield { at: 0, write: (target) => writeHead(layout, target) };
  yield* layout.inodes;
  for (const inode of layout.inodes.filter(hasBlocks)) {
    yield { at: inode.block * BLOCK, write: (target, at) => writeContent(inode, target, at) };
  }
}

function writeContent(inode: Inode, target: Buffer, at: number): void {
  if (inode.directory !== undefined) {
    inode.directory.write(target, at);
  } else {
    target.write(inode.entry.link!, at, "latin1");
  }
}

function writeHead({ inodes, blocks, devices, uuid }: Layout, target: Buffer): void {
  const at = SUPERBLOCK_AT;
  target.writeUInt32LE(SUPERBLOCK_MAGIC, at);
  target.writeUInt32LE(COMPAT_MTIME, at + 8);
  target.writeUInt8(BLOCK_BITS, at + 12);
  target.writeUInt16LE(inodes[0]!.number, at + 14);
  target.writeUInt32LE(inodes.length, at + 16);
  target.writeUInt32LE(blocks, at + 36);
  uuid?.copy(target, at + 48, 0, 16);
  if (devices.length > 0) {
    target.writeUInt32LE(INCOMPAT_DEVICE_TABLE, at + 80);
    target.writeUInt16LE(devices.length, at + 86);
    target.writeUInt16LE(DEVICE_TABLE_AT / DEVICE_SLOT, at + 88);
  }
  devices.forEach((device, index) => {
    const slot = DEVICE_TABLE_AT + index * DEVICE_SLOT;
    target.writeUInt32LE(device.blocks, slot + 64);
    target.writeUInt32LE(device.first, slot + 68);
  });
}
