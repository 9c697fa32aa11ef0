import { lazyCalls, systemError } from "./libc.ts";

/** Flags of mount(2). */
export const MOUNT = { readOnly: 1, nosuid: 2, nodev: 4, noexec: 8, remount: 32, bind: 4096, recursive: 16384, private: 1 << 18, slave: 1 << 19 } as const;

const UMOUNT_NOFOLLOW = 8;
const MNT_DETACH = 2;

interface Calls {
  mount(source: string, target: string, type: string, flags: number, data: string): number;
  umount2(target: string, flags: number): number;
}

const calls = lazyCalls((library): Calls => ({
  mount: library.func("int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)"),
  umount2: library.func("int umount2(const char *target, int flags)"),
}));

/** mount(2). Throws an Error with `code` (errno name) and `path`. */
export function mount(source: string, target: string, type: string, flags: number, data: string): void {
  if (calls().mount(source, target, type, flags, data) !== 0) {
    throw systemError("mount", target);
  }
}

/** umount2(2), never through a symbolic link; `lazy` detaches a busy mount now and frees it when the last user is gone. */
export function unmount(target: string, options: { readonly lazy?: boolean } = {}): void {
  if (calls().umount2(target, UMOUNT_NOFOLLOW | (options.lazy === true ? MNT_DETACH : 0)) !== 0) {
    throw systemError("umount", target);
  }
}
