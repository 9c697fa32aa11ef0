import { createRequire } from "node:module";

/** Flags of mount(2). */
export const MOUNT = { readOnly: 1, nosuid: 2, nodev: 4, noexec: 8, remount: 32, bind: 4096, recursive: 16384, private: 1 << 18, slave: 1 << 19 } as const;

const UMOUNT_NOFOLLOW = 8;
const MNT_DETACH = 2;

interface Calls {
  mount(source: string, target: string, type: string, flags: number, data: string): number;
  umount2(target: string, flags: number): number;
  errno(): number;
  errnoName(code: number): string;
}

let loaded: Calls | undefined;

/** koffi takes some 10 ms to load, and most commands never mount. */
function calls(): Calls {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const libc = koffi.load("libc.so.6");
    const names = new Map(Object.entries(koffi.os.errno).map(([name, code]) => [code, name]));
    loaded = {
      mount: libc.func("int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)"),
      umount2: libc.func("int umount2(const char *target, int flags)"),
      errno: () => koffi.errno(),
      errnoName: (code) => names.get(code) ?? `errno ${code}`,
    };
  }
  return loaded;
}

/** mount(2). Throws an Error with `code` (errno name) and `path`. */
export function mount(source: string, target: string, type: string, flags: number, data: string): void {
  check(calls().mount(source, target, type, flags, data), "mount", target);
}

/** umount2(2), never through a symbolic link; `lazy` detaches a busy mount now and frees it when the last user is gone. */
export function unmount(target: string, options: { readonly lazy?: boolean } = {}): void {
  check(calls().umount2(target, UMOUNT_NOFOLLOW | (options.lazy === true ? MNT_DETACH : 0)), "umount", target);
}

function check(result: number, call: string, path: string): void {
  if (result === 0) return;
  const code = calls().errnoName(calls().errno());
  throw Object.assign(new Error(`${code}: ${call} ${JSON.stringify(path)}`), { code, path, syscall: call });
}
