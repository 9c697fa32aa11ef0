import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { SandboxError } from "./sandbox-error.ts";

const MAX_LINKS = 40;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Where a path of the container lies: `path` relative to the root file system, links followed as if in a chroot. */
export interface RootfsPath {
  /** Absolute in the container, no links in it. */
  readonly path: string;
  readonly exists: boolean;
}

/**
 * Follows a path inside a root file system, never out of it: absolute links start again at `rootfs`, `..` stops there.
 * Only sound while nothing runs in the root file system, as between lstat and use a directory could become a link.
 */
export function resolveInRootfs(rootfs: string, path: string): RootfsPath {
  const pending = path.split("/");
  let done: string[] = [];
  let links = 0;
  let exists = true;
  while (pending.length > 0) {
    const part = pending.shift()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const target = linkTarget(`${rootfs}/${[...done, part].join("/")}`);
    if (target.kind !== "link") {
      exists = target.kind === "present";
      done.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) {
      throw new SandboxError("unsafe-path", `cannot follow ${JSON.stringify(path)} in the image: too many symbolic links`);
    }
    if (target.to.startsWith("/")) done = [];
    pending.unshift(...target.to.split("/"));
  }
  return { path: `/${done.join("/")}`, exists: exists || done.length === 0 };
}

/** A regular file's text, links followed inside the root file system; undefined when there is none. */
export function readInRootfs(rootfs: string, path: string): string | undefined {
  const found = resolveInRootfs(rootfs, path);
  if (!found.exists) return undefined;
  const file = `${rootfs}${found.path}`;
  const stat = lstatSync(file);
  if (!stat.isFile()) return undefined; // a FIFO would block us for ever
  if (stat.size > MAX_FILE_BYTES) {
    throw new SandboxError("unsafe-path", `cannot read ${JSON.stringify(path)} of the image: it has ${stat.size} bytes, at most ${MAX_FILE_BYTES} were expected`);
  }
  return readFileSync(file, "utf8");
}

function linkTarget(path: string): { readonly kind: "present" | "missing" } | { readonly kind: "link"; readonly to: string } {
  try {
    return lstatSync(path).isSymbolicLink() ? { kind: "link", to: readlinkSync(path) } : { kind: "present" };
  } catch {
    return { kind: "missing" };
  }
}
