/** A member of an archive that we name ourselves: short ASCII names, root's, no extended attributes. */
export interface PlainMember {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "hardlink";
  readonly mode?: number;
  readonly size?: number;
  readonly link?: string;
  /** Seconds since the epoch. */
  readonly mtime?: number;
}

const TYPES = { file: "0", hardlink: "1", symlink: "2", directory: "5" } as const;

/** A ustar header block (POSIX.1-1988 tar interchange format; sizes from 8 GiB in base-256 as GNU tar writes them). */
export function plainHeader(member: PlainMember): Buffer {
  const name = member.type === "directory" ? `${member.name}/` : member.name;
  if (Buffer.byteLength(name) > 100 || Buffer.byteLength(member.link ?? "") > 100) {
    throw new Error(`Internal error: ${JSON.stringify(name)} is too long for a plain member`);
  }
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write(octal(member.mode ?? (member.type === "directory" ? 0o755 : 0o644), 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  writeSize(block, member.size ?? 0);
  block.write(octal(member.mtime ?? 0, 11), 136);
  block.write("        ", 148);
  block.write(TYPES[member.type], 156);
  block.write(member.link ?? "", 157);
  block.write("ustar\u000000", 257);
  block.write(`${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `, 148);
  return block;
}

/** The zeros after a body of `size` bytes, up to the next block. */
export function plainPadding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

/** The two zero blocks that end an archive. */
export const plainEnd: Buffer = Buffer.alloc(1024);

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function writeSize(block: Buffer, size: number): void {
  if (size < 8 ** 11) {
    block.write(octal(size, 11), 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
