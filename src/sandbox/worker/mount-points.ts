import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../../base/failure.ts";
import { llistxattr } from "../../sys/files.ts";
import { resolveInRootfs } from "../rootfs-path.ts";

/** What the runtime will make in the root file system to mount on, and where it will so touch a directory that is there. */
export interface MissingMountPoints {
  /** Paths that do not exist, parents before children. */
  readonly paths: readonly string[];
  /** Existing directories in which something will be made, as they were. */
  readonly touched: ReadonlyMap<string, Stats>;
}

/** Looks, before the container starts, which mount points its root file system lacks. */
export function findMissingMountPoints(rootfs: string, destinations: readonly string[]): MissingMountPoints {
  const paths = new Set<string>();
  const touched = new Map<string, Stats>();
  for (const destination of destinations) {
    const found = resolveInRootfs(rootfs, destination);
    if (found.exists) continue;
    const missing: string[] = [];
    let path = found.path;
    while (path !== "/" && lstatOrNothing(rootfs + path) === undefined) {
      missing.unshift(path);
      path = dirname(path);
    }
    missing.forEach((one) => paths.add(one));
    touched.set(path, lstatSync(rootfs + path));
  }
  return { paths: [...paths], touched };
}

/** A step that lacked these directories leaves them behind with Docker, and so it does here. */
const STAYING = ["/dev", "/proc", "/sys"];

/** Makes those directories where they are missing, with Docker's mode: crun's /dev would have another. */
export function makeStaying(rootfs: string, missing: MissingMountPoints): void {
  for (const path of missing.paths.filter((one) => STAYING.includes(one))) {
    mkdirSync(rootfs + path);
    chmodSync(rootfs + path, 0o755);
  }
}

/**
 * Takes the runtime's empty mount points out of the upper directory, once the overlay is unmounted, and with them the
 * directories that are in it only because something was made in them. What the step itself put there stays.
 */
export function removeMountPoints(upper: string, missing: MissingMountPoints): void {
  for (const path of missing.paths.filter((one) => !STAYING.includes(one)).reverse()) {
    removeIfEmpty(upper, path);
  }
  for (const [path, before] of missing.touched) {
    removeUnchanged(upper, path, before);
  }
}

function removeIfEmpty(upper: string, path: string): void {
  const stat = withoutLinks(upper, path);
  if (stat?.isDirectory()) {
    ignoring(["ENOTEMPTY", "EEXIST"], () => rmdirSync(upper + path));
  } else if (stat?.isFile() && stat.size === 0) {
    unlinkSync(upper + path);
  }
}

/** An empty directory as it was below, not opaque, says nothing; so may the one above it, copied up on its way. */
function removeUnchanged(upper: string, start: string, before: Stats): void {
  let path = start;
  let expected: Stats | undefined = before;
  while (path !== "/") {
    const stat = withoutLinks(upper, path);
    const unchanged = stat?.isDirectory() === true && sameAttributes(stat, expected ?? stat) && readdirSync(upper + path).length === 0 && !isOpaque(upper + path);
    if (!unchanged) return;
    rmdirSync(upper + path);
    path = dirname(path);
    expected = undefined;
    // Of the directories further up only a change of time could be lost, and a copy-up keeps it.
  }
}

function sameAttributes(a: Stats, b: Stats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

function isOpaque(path: string): boolean {
  return llistxattr(path).some((name) => name.endsWith(".overlay.opaque"));
}

/** The status of a path no component of which above the last is a link: the step may have put links where directories were. */
function withoutLinks(upper: string, path: string): Stats | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  let at = upper;
  let stat: Stats | undefined;
  for (const part of parts) {
    if (stat !== undefined && !stat.isDirectory()) return undefined;
    at = `${at}/${part}`;
    stat = lstatOrNothing(at);
    if (stat === undefined) return undefined;
  }
  return stat;
}

function lstatOrNothing(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function ignoring(codes: readonly string[], act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!codes.includes(errnoOf(error) ?? "")) throw error;
  }
}
