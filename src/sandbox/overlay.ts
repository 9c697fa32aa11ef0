import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, reasonOf } from "../base/failure.ts";
import { mount } from "../sys/mounts.ts";
import { SandboxError } from "./sandbox-error.ts";

export interface OverlayOptions {
  /** Layer directories, lowest first. May be empty and may be more than a hundred. */
  readonly lowers: readonly string[];
  /** A directory of ours on the file system of the store; `upper`, `work`, `merged` and `lower` are made in it. */
  readonly directory: string;
  readonly dialect: "trusted" | "user";
  /** Layers lie on file systems of their own, not all on that of the store. */
  readonly severalFileSystems?: boolean;
  /** Skip every sync of the upper layer: for a step that is thrown away if the machine dies meanwhile. */
  readonly volatile?: boolean;
}

export interface Overlay {
  readonly upper: string;
  readonly merged: string;
}

/**
 * Mounts a layer stack at `directory/merged` in the mount namespace of this process.
 * mount(2) takes at most a page of options, and `:` and `,` in paths would need escapes the kernel reads differently
 * in different versions; so the layers get short names, links in `directory/lower`, and the mount is made from there.
 * What an earlier mount of the same layers left there, in a namespace that is gone, is taken up again.
 */
export function mountOverlay(options: OverlayOptions): Overlay {
  const { directory } = options;
  const made = { upper: join(directory, "upper"), merged: join(directory, "merged") };
  const links = join(directory, "lower");
  for (const path of [made.upper, made.merged, join(directory, "work"), links]) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }
  const lowers = options.lowers.length > 0 ? highestOfEach(options.lowers) : [emptyDirectory(directory)];
  lowers.forEach((lower, at) => link(lower, join(links, at.toString(36))));
  const names = lowers.map((_, at) => at.toString(36)).reverse(); // overlayfs wants the highest first
  mountFrom(links, made.merged, [`lowerdir=${names.join(":")}`, "upperdir=../upper", "workdir=../work"], options);
  return made;
}

/**
 * overlayfs refuses a directory that is there twice (ELOOP), as the layers of two steps that changed nothing are. A layer
 * that stands above its double hides all that the double holds, and all that the double would hide.
 */
function highestOfEach(lowers: readonly string[]): readonly string[] {
  return lowers.filter((lower, at) => lowers.lastIndexOf(lower) === at);
}

function emptyDirectory(directory: string): string {
  const path = join(directory, "empty");
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    rmSync(path); // an earlier mount's
    symlinkSync(target, path);
  }
}

/** All of it synchronous: the working directory belongs to the whole process and must be back before anyone looks. */
function mountFrom(links: string, target: string, places: readonly string[], options: OverlayOptions): void {
  // Redirects and metadata-only copies would make the upper directory unreadable as a layer by itself.
  const dialect = options.dialect === "user" ? ["userxattr"] : ["index=off", "redirect_dir=off", "metacopy=off"];
  // Files of several file systems would have several device numbers, and `tar --one-file-system` would skip most of them.
  const numbers = options.severalFileSystems === true ? ["xino=on"] : [];
  const fast = options.volatile === true ? ["volatile"] : [];
  const before = process.cwd();
  process.chdir(links);
  try {
    try {
      mount("overlay", target, "overlay", 0, [...places, ...dialect, ...numbers, ...fast].join(","));
    } catch (error) {
      // Before Linux 5.10 there was no "volatile".
      if (fast.length === 0 || errnoOf(error) !== "EINVAL") throw error;
      mount("overlay", target, "overlay", 0, [...places, ...dialect, ...numbers].join(","));
    }
  } catch (error) {
    throw new SandboxError("mount-failed", `cannot mount a stack of ${options.lowers.length} layers: ${reasonOf(error)}`, {
      cause: error,
      hint: "overlayfs needs Linux 5.11 for ordinary users, and a store that lies on a file system such as ext4, xfs or btrfs, not on another overlayfs or on NFS",
    });
  } finally {
    process.chdir(before);
  }
}
