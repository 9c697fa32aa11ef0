/**
 * The parts of the EROFS format that an image of metadata needs: Linux, Documentation/filesystems/erofs.rst and
 * fs/erofs/erofs_fs.h. All numbers are little-endian.
 */

/** Bytes of a block: a tar's, so that any file in it starts at a whole block. */
export const BLOCK = 512;
export const BLOCK_BITS = 9;

/** An inode is named by its place: its number is its offset in units of this. */
export const SLOT = 32;

export const SUPERBLOCK_AT = 1024;
export const SUPERBLOCK_MAGIC = 0xe0f5e1e2;
/** Directly after the superblock, at a multiple of a slot's size as the superblock counts it. */
export const DEVICE_TABLE_AT = 1152;
export const DEVICE_SLOT = 128;
/** Times are those of files, not of inodes. */
export const COMPAT_MTIME = 0x2;
export const INCOMPAT_DEVICE_TABLE = 0x8;

/** The larger of the two forms of an inode: 32-bit owners, times of its own. */
export const INODE_SIZE = 64;
/** i_format: that form, and the content in consecutive blocks. */
export const FORMAT_BLOCKS = 0b0001;
/** i_format: that form, and the content directly after the inode, within one block. */
export const FORMAT_INLINE = 0b0101;

export const DIRENT = 12;
export const MAX_NAME = 255;
/** Blocks have 32-bit numbers, counted through the image and all devices. */
export const MAX_BLOCKS = 2 ** 32 - 1;

/** The file types of a directory entry, and those of a mode. */
export const FILE_TYPES = {
  file: { dirent: 1, mode: 0o100000 },
  directory: { dirent: 2, mode: 0o040000 },
  character: { dirent: 3, mode: 0o020000 },
  block: { dirent: 4, mode: 0o060000 },
  fifo: { dirent: 5, mode: 0o010000 },
  symlink: { dirent: 7, mode: 0o120000 },
} as const;

export type FileType = keyof typeof FILE_TYPES;

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
