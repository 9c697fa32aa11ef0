import { MOUNT, mount } from "../sys/mounts.ts";

/**
 * Puts a read-only cgroup2 at /sys/fs/cgroup of our own mount namespace, so that a runtime started with
 * `flagsWithoutCgroups` makes no cgroups: nothing is left behind when it is killed, and crun, which refuses the
 * mixed hierarchies of older systems, works there too. Needs a cgroup namespace of our own when not root.
 * Where even that is forbidden the machine's own is left in place, and this is false.
 */
export function hideCgroups(): boolean {
  try {
    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MOUNT.nosuid | MOUNT.nodev | MOUNT.noexec, "");
    mount("cgroup2", "/sys/fs/cgroup", "", MOUNT.remount | MOUNT.bind | MOUNT.readOnly | MOUNT.nosuid | MOUNT.nodev | MOUNT.noexec, "");
    return true;
  } catch {
    return false; // the runtime will say what it misses, if anything
  }
}
