import { createRequire } from "node:module";
import type { KoffiFunc, LibraryHandle } from "koffi";

/** The system calls that Node does not offer. Paths are bytes that end with a NUL; all but `errno` return -1 on failure. */
export interface Libc {
  lsetxattr(path: Buffer, name: Buffer, value: Buffer, size: number, flags: number): number;
  lgetxattr(path: Buffer, name: Buffer, value: Buffer | null, size: number): number;
  llistxattr(path: Buffer, list: Buffer | null, size: number): number;
  mknod(path: Buffer, mode: number, device: bigint): number;
  utimensat(directory: number, path: Buffer, times: Buffer, flags: number): number;
  futimens(file: number, times: Buffer): number;
  flock(file: number, operation: number): number;
  chroot(path: Buffer): number;
  /** Its argument is read and written. */
  ioctl(file: number, request: number, argument: Buffer): number;
  readonly syncfs: KoffiFunc<(file: number) => number>;
  readonly sync_file_range: KoffiFunc<(file: number, offset: number, size: number, flags: number) => number>;
  /** Returns an errno instead. */
  readonly posix_fadvise: KoffiFunc<(file: number, offset: number, size: number, advice: number) => number>;
  /** The errno name of the last failed call, such as `ENOENT`. */
  errno(): string;
}

/** Calls of the C library, declared when one is first made: koffi takes some 10 ms to load, and most commands make none. */
export function lazyCalls<T>(declare: (library: LibraryHandle, koffi: typeof import("koffi")) => T): () => T {
  let declared: T | undefined;
  return () => {
    if (declared === undefined) {
      const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
      declared = declare(koffi.load("libc.so.6"), koffi);
    }
    return declared;
  };
}

/** The C library. */
export const libc = lazyCalls((library, koffi): Libc => {
  // Linux has one number for ENOTSUP and EOPNOTSUPP; Node's own errors say the former.
  const names = new Map([...Object.entries(koffi.os.errno).map(([name, code]): [number, string] => [code, name]), [koffi.os.errno["ENOTSUP"]!, "ENOTSUP"]]);
  return {
    lsetxattr: library.func("int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)"),
    lgetxattr: library.func("intptr_t lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *value, size_t size)"),
    llistxattr: library.func("intptr_t llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)"),
    mknod: findMknod(library),
    utimensat: library.func("int utimensat(int directory, const uint8_t *path, const uint8_t *times, int flags)"),
    futimens: library.func("int futimens(int file, const uint8_t *times)"),
    flock: library.func("int flock(int file, int operation)"),
    chroot: library.func("int chroot(const uint8_t *path)"),
    ioctl: library.func("int ioctl(int file, unsigned long request, _Inout_ uint8_t *argument)"),
    syncfs: library.func("int syncfs(int file)"),
    sync_file_range: library.func("int sync_file_range(int file, int64_t offset, int64_t size, unsigned int flags)"),
    posix_fadvise: library.func("int posix_fadvise(int file, int64_t offset, int64_t size, int advice)"),
    errno: () => names.get(koffi.errno()) ?? `errno ${koffi.errno()}`,
  };
});

/** The Error of a failed call, with `code` (errno name), `path` and `syscall` as Node's own have them. */
export function systemError(call: string, path: string | Buffer): Error {
  const code = libc().errno();
  const text = path.toString();
  return Object.assign(new Error(`${code}: ${call} ${JSON.stringify(text)}`), { code, path: text, syscall: call });
}

/** glibc exports mknod itself only since 2.33; before, the header's inline function called this. */
function findMknod(library: LibraryHandle): Libc["mknod"] {
  try {
    return library.func("int mknod(const uint8_t *path, unsigned int mode, uint64_t device)");
  } catch {
    const versioned: (version: number, path: Buffer, mode: number, device: bigint[]) => number = library.func(
      "int __xmknod(int version, const uint8_t *path, unsigned int mode, const uint64_t *device)",
    );
    return (path, mode, device) => versioned(0, path, mode, [device]);
  }
}
