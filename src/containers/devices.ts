import { lstatSync, readdirSync, statSync, type Stats } from "node:fs";
import { isAbsolute, join } from "node:path";
import { ContainerError } from "./container-error.ts";

/** A device of this machine that a container may use; `access` holds r, w and m (mknod). */
export interface DeviceMapping {
  readonly source: string;
  readonly target: string;
  readonly access: string;
}

/** A device node as the runtime spec wants it (config-linux.md, Devices). */
export interface DeviceNode {
  readonly type: "c" | "b";
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What belongs to each container itself, or is no device. */
const OWN = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx", "tty", "null", "zero", "full", "random", "urandom"]);

/** Reads docker's `--device`: `SOURCE[:TARGET][:rwm]`. */
export function parseDevice(text: string): DeviceMapping {
  const fail = (why: string): never => {
    throw new ContainerError("bad-option", `invalid argument ${JSON.stringify(text)} for "--device" flag: ${why}`, { hint: "write it as /dev/fuse, /dev/sda:/dev/xvda or /dev/sda:/dev/xvda:r" });
  };
  const [source = "", second, third, ...more] = text.split(":");
  if (more.length > 0) return fail("too many parts");
  const isAccess = (word: string | undefined): word is string => word !== undefined && /^[rwm]{1,3}$/.test(word);
  const access = third ?? (isAccess(second) ? second : "rwm");
  const target = second === undefined || isAccess(second) ? source : second;
  if (!isAccess(access)) return fail(`invalid device mode: ${access}`);
  if (!isAbsolute(source) || !isAbsolute(target)) return fail(`${JSON.stringify(isAbsolute(source) ? target : source)} is not an absolute path`);
  return { source, target, access };
}

/** The node of a mapping. Throws ContainerError when there is no such device. */
export function deviceNode({ source, target }: DeviceMapping): DeviceNode {
  const found = statSync(source, { throwIfNoEntry: false });
  const node = found === undefined ? undefined : nodeOf(found, target);
  if (node === undefined) throw new ContainerError("bad-option", `error gathering device information while adding custom device ${JSON.stringify(source)}: ${found === undefined ? "no such file or directory" : "not a device node"}`);
  return node;
}

/** Every device of this machine, for a privileged container. */
export function allDevices(directory = "/dev"): DeviceNode[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || (directory === "/dev" && OWN.has(name))) return [];
    return found.isDirectory() ? allDevices(path) : (nodeOf(found, path) ?? []);
  });
}

function nodeOf(found: Stats, path: string): DeviceNode | undefined {
  if (!found.isCharacterDevice() && !found.isBlockDevice()) return undefined;
  // The kernel's dev_t as glibc packs it (makedev(3)).
  const device = BigInt(found.rdev);
  const major = Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn));
  const minor = Number((device & 0xffn) | ((device >> 12n) & ~0xffn));
  return { type: found.isBlockDevice() ? "b" : "c", path, major, minor, fileMode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}
