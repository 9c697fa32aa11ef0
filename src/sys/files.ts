import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { KoffiFunc } from "koffi";
import { libc, systemError } from "./libc.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** SYNC_FILE_RANGE_WRITE, alone and between _WAIT_BEFORE and _WAIT_AFTER. */
const START = 2;
const FINISH = 7;
const POSIX_FADV_DONTNEED = 4;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const SECOND = 1_000_000_000n;

/** Sets an extended attribute of the path itself, never of what a symbolic link names. */
export function lsetxattr(path: string | Buffer, name: string, value: Buffer): void {
  check(libc().lsetxattr(terminated(path), terminated(name), value, value.length, 0), "lsetxattr", path);
}

/** The names of a path's extended attributes; none where the file system has no such thing. */
export function llistxattr(path: string | Buffer): string[] {
  const list = grown((buffer, size) => libc().llistxattr(terminated(path), buffer, size), 1024);
  if (list === undefined) {
    const error = systemError("llistxattr", path);
    if ("code" in error && error.code === "ENOTSUP") return [];
    throw error;
  }
  return list.length === 0 ? [] : list.toString("utf8", 0, list.length - 1).split("\0");
}

/** The value of an extended attribute. */
export function lgetxattr(path: string | Buffer, name: string): Buffer {
  const value = grown((buffer, size) => libc().lgetxattr(terminated(path), terminated(name), buffer, size), 256);
  if (value === undefined) throw systemError("lgetxattr", path);
  return value;
}

/** mknod(2); `mode` holds the type bits. */
export function mknod(path: string | Buffer, mode: number, major: number, minor: number): void {
  check(libc().mknod(terminated(path), mode, deviceNumber(BigInt(major), BigInt(minor))), "mknod", path);
}

/** Sets both times of the path itself to exactly these nanoseconds since the epoch, which may be negative. */
export function setTimes(path: string | Buffer, mtimeNs: bigint): void {
  check(libc().utimensat(AT_FDCWD, terminated(path), timesOf(mtimeNs), AT_SYMLINK_NOFOLLOW), "utimensat", path);
}

/** The same of an open file. */
export function setFileTimes(file: number, mtimeNs: bigint): void {
  check(libc().futimens(file, timesOf(mtimeNs)), "futimens", `/proc/self/fd/${file}`);
}

const times = Buffer.alloc(32);

/** Two equal struct timespec, access and change; filled anew at each call. */
function timesOf(mtimeNs: bigint): Buffer {
  const nanoseconds = ((mtimeNs % SECOND) + SECOND) % SECOND;
  const seconds = (mtimeNs - nanoseconds) / SECOND;
  for (const offset of [0, 16]) {
    times.writeBigInt64LE(seconds, offset);
    times.writeBigInt64LE(nanoseconds, offset + 8);
  }
  return times;
}

/** Makes a directory the root of this process, for good: no path and no link leads out of it any more (chroot(2)). */
export function changeRoot(path: string): void {
  check(libc().chroot(terminated(path)), "chroot", path);
  process.chdir("/");
}

/** Writes all that the path's file system holds in memory to the disk; the event loop goes on meanwhile. */
export async function syncfs(path: string | Buffer): Promise<void> {
  const file = openSync(path, "r");
  try {
    if ((await inPool(libc().syncfs, file)) !== 0) throw new Error(`syncfs ${JSON.stringify(path.toString())} failed`);
  } finally {
    closeSync(file);
  }
}

/** Whether {@link startWriting} and {@link finishWriting} can be had for an open file. */
export function canWriteRanges(file: number): boolean {
  return libc().sync_file_range(file, 0, 1, 0) === 0;
}

/** A stretch of an open file; one without bytes goes to the file's end. */
export interface FileRange {
  readonly file: number;
  readonly offset: number;
  readonly size: number;
}

/** Lets the kernel begin to bring a range to the disk; the event loop goes on meanwhile. */
export async function startWriting({ file, offset, size }: FileRange): Promise<void> {
  checkRange(await inPool(libc().sync_file_range, file, offset, size, START));
}

/** Waits until a range has been handed to the disk, whose own cache may have it still, and frees the memory that has it. */
export async function finishWriting({ file, offset, size }: FileRange): Promise<void> {
  checkRange(await inPool(libc().sync_file_range, file, offset, size, FINISH));
  await inPool(libc().posix_fadvise, file, offset, size, POSIX_FADV_DONTNEED);
}

/** As {@link startWriting}, for a thread that has nothing else to do. */
export function startWritingSync({ file, offset, size }: FileRange): void {
  checkRange(libc().sync_file_range(file, offset, size, START));
}

/** Frees the memory that has a range as it is on the disk; what is not there yet stays, as all does where this is refused. */
export function freeMemory({ file, offset, size }: FileRange): void {
  libc().posix_fadvise(file, offset, size, POSIX_FADV_DONTNEED);
}

/** What the disk refused is told here, and to no later fsync(2) of the same open file. */
function checkRange(result: number): void {
  if (result !== 0) throw new Error("EIO: sync_file_range: the disk did not take what was written");
}

/** A call in a thread of libuv's pool; errno is that thread's, so it cannot be asked for. */
async function inPool<Args extends readonly unknown[]>(call: KoffiFunc<(...args: [...Args]) => number>, ...args: Args): Promise<number> {
  return await new Promise((resolve, reject) => {
    call.async(...args, (error: unknown, value: number) => (error ? reject(error) : resolve(value)));
  });
}

/** Takes the flock(2) of an open file, by default for itself alone, if nobody's stands against it. The kernel frees it when the file is closed, by death too. */
export function tryLock(file: number, kind: "exclusive" | "shared" = "exclusive"): boolean {
  if (libc().flock(file, (kind === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true;
  const error = systemError("flock", `/proc/self/fd/${file}`);
  if ("code" in error && (error.code === "EAGAIN" || error.code === "EWOULDBLOCK")) return false;
  throw error;
}

const FIRST_WAIT = 5;
const LONGEST_WAIT = 200;

/** Waits for the flock(2) of an open file for itself alone. Milliseconds pass between tries, as a call that waits would hold a thread. */
export async function waitForLock(file: number): Promise<void> {
  for (let wait = FIRST_WAIT; !tryLock(file); wait = Math.min(wait * 2, LONGEST_WAIT)) await sleep(wait);
}

/** Takes the shared flock(2) of an open file, for as long as it stays open. Throws when somebody holds it for himself alone. */
export function shareLock(file: number): void {
  check(libc().flock(file, LOCK_SH | LOCK_NB), "flock", `/proc/self/fd/${file}`);
}

/** Calls with a first guess at the size, and with the size that the kernel names when the guess was too small. */
function grown(call: (buffer: Buffer | null, size: number) => number, guess: number): Buffer | undefined {
  let buffer = Buffer.allocUnsafe(guess);
  for (;;) {
    const got = call(buffer, buffer.length);
    if (got >= 0) return buffer.subarray(0, got);
    if (libc().errno() !== "ERANGE") return undefined;
    const size = call(null, 0);
    if (size < 0) return undefined;
    buffer = Buffer.allocUnsafe(size + 64);
  }
}

/** The kernel's dev_t as glibc packs it (makedev(3)). */
function deviceNumber(major: bigint, minor: bigint): bigint {
  return ((major & 0xfffn) << 8n) | ((major & ~0xfffn) << 32n) | (minor & 0xffn) | ((minor & ~0xffn) << 12n);
}

function terminated(path: string | Buffer): Buffer {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  if (bytes.includes(0)) throw Object.assign(new Error(`EINVAL: ${JSON.stringify(path.toString())} holds a NUL`), { code: "EINVAL" });
  return Buffer.concat([bytes, NUL]);
}

const NUL = Buffer.alloc(1);

function check(result: number, call: string, path: string | Buffer): void {
  if (result !== 0) throw systemError(call, path);
}
