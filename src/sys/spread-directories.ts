import { closeSync, openSync } from "node:fs";
import { libc } from "./libc.ts";

/** ioctl_iflags(2); these numbers are those of 64-bit machines. */
const FS_IOC_GETFLAGS = 0x8008_6601;
const FS_IOC_SETFLAGS = 0x4008_6602;
const FS_TOPDIR_FL = 0x0002_0000;

/**
 * Wishes that the directories that will be made in a directory lie apart on the disk (chattr(1), T), each with what comes
 * into it. Where many files were removed within the last minutes, ext4 looks at each of their inodes before it takes one
 * for a new file beside them. Whether the file system knows such a wish.
 */
export function spreadDirectories(directory: string): boolean {
  const file = openSync(directory, "r");
  try {
    const flags = Buffer.alloc(8);
    if (libc().ioctl(file, FS_IOC_GETFLAGS, flags) !== 0) return false;
    flags.writeUInt32LE(flags.readUInt32LE() | FS_TOPDIR_FL);
    return libc().ioctl(file, FS_IOC_SETFLAGS, flags) === 0;
  } finally {
    closeSync(file);
  }
}
