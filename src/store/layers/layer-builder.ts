import { baseName, joinPath, parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import type { TarHeader } from "../../archive/tar-header.ts";
import { StoreFailure } from "../store-error.ts";
import type { Entry } from "./entry.ts";

type Draft = { -readonly [K in keyof Entry]: Entry[K] };

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const AUFS = ".wh..wh.";
const MAX_LINKS = 40;

/**
 * Turns the members of a layer's tar, in their order, into entries, and refuses those that would reach outside.
 * Indexing and unpacking both go through here, so that they agree and unpacking never meets a name that was not checked.
 *
 * As in Docker: leading slashes are dropped; a member below a symbolic link of the same layer goes where the link
 * leads, inside the layer; a later member replaces an earlier one of the same name; aufs's own files are left out.
 */
export class LayerBuilder {
  readonly #entries = new Map<BytePath, Draft>();
  /** Every directory on the way to an entry, whether or not the tar names it. */
  readonly #directories = new Set<BytePath>([""] as BytePath[]);
  readonly #linked = new Set<BytePath>();

  /**
   * The entry of a member, whose `digest` and `offset` the caller may still set; undefined for a whiteout and for
   * what is left out. Throws {@link StoreFailure} `bad-layer`.
   */
  add(header: TarHeader): Draft | undefined {
    const clean = cleanPath(header.name);
    if (clean === "") return this.#addRoot(header);
    const parent = this.#resolve(parentPath(clean), header.name);
    const name = baseName(clean);
    if (name === OPAQUE) return this.#addOpaque(parent);
    if (name.startsWith(AUFS)) return undefined;
    this.#addDirectories(parent, header.name);
    if (name.startsWith(WHITEOUT)) return this.#addWhiteout(parent, name.slice(WHITEOUT.length), header.name);
    const path = joinPath(parent, name);
    // overlayfs reads this device as a whiteout (Documentation/filesystems/overlayfs.rst), so it cannot be anything else.
    if (header.type === "character" && header.major === 0 && header.minor === 0) return this.#addWhiteout(parent, name, header.name);
    return this.#put(path, header);
  }

  /** The directories that hold entries but are not entries themselves. */
  implied(): BytePath[] {
    return [...this.#directories].filter((path) => path !== "" && !this.#entries.has(path)).sort();
  }

  /** All entries, sorted by path. */
  entries(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #addRoot(header: TarHeader): Draft {
    if (header.type !== "directory") throw bad(header.name, `is the layer's root, but a ${header.type}`);
    return this.#put("" as BytePath, header);
  }

  #put(path: BytePath, header: TarHeader): Draft {
    const before = this.#entries.get(path);
    if (this.#linked.has(path)) throw bad(header.name, "comes again after a hard link to it");
    if (header.type !== "directory" && this.#directories.has(path)) throw bad(header.name, `is a ${header.type}, but was a directory before`);
    const entry = this.#draft(path, header);
    // A directory that is deleted and made again shows nothing of the one below.
    if (header.type === "directory" && (before?.type === "whiteout" || before?.opaque === true)) entry.opaque = true;
    if (header.type === "directory") this.#directories.add(path);
    this.#entries.set(path, entry);
    return entry;
  }

  #draft(path: BytePath, header: TarHeader): Draft {
    const { type, mode, uid, gid, size, mtime } = header;
    const entry: Draft = { path, type, mode, uid, gid, size, mtime };
    if (type === "symlink") entry.link = header.link ?? "";
    if (type === "hardlink") entry.link = this.#linkTarget(path, header);
    if (header.major !== undefined) entry.major = header.major;
    if (header.minor !== undefined) entry.minor = header.minor;
    const xattrs = ordinaryXattrs(header.xattrs);
    if (xattrs !== undefined) entry.xattrs = xattrs;
    return entry;
  }

  /** The first name of the file that a hard link names. */
  #linkTarget(path: BytePath, header: TarHeader): BytePath {
    const clean = cleanPath(header.link ?? "");
    const target = joinPath(this.#resolve(parentPath(clean), header.name), baseName(clean));
    const found = this.#entries.get(target);
    const first = found?.type === "hardlink" ? (found.link as BytePath) : target;
    if (found === undefined || found.type === "directory" || found.type === "whiteout" || first === path) {
      throw bad(header.name, `is a hard link to ${quoted(header.link ?? "")}, which is no file before it in the layer`);
    }
    this.#linked.add(first);
    return first;
  }

  #addOpaque(parent: BytePath): undefined {
    this.#addDirectories(parent, parent);
    const entry = this.#entries.get(parent);
    if (entry === undefined) this.#entries.set(parent, { ...impliedDirectory(parent), opaque: true });
    else entry.opaque = true;
  }

  #addWhiteout(parent: BytePath, name: string, member: string): undefined {
    if (name === "" || name === "." || name === "..") throw bad(member, "is a whiteout of no name");
    const path = joinPath(parent, name);
    const entry = this.#entries.get(path);
    // A whiteout speaks of the layers below, so that what this layer has there stays (OCI image-spec, layer.md).
    if (entry?.type === "directory") entry.opaque = true;
    else if (this.#directories.has(path)) this.#entries.set(path, { ...impliedDirectory(path), opaque: true });
    else if (entry === undefined) this.#entries.set(path, { ...impliedDirectory(path), type: "whiteout", mode: 0 });
  }

  /** Follows the symbolic links of this layer, as in a chroot. */
  #resolve(path: BytePath, member: string): BytePath {
    if (this.#directories.has(path)) return path;
    const pending = path.split("/");
    let done = "" as BytePath;
    for (let links = 0; pending.length > 0; ) {
      const part = pending.shift()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        done = parentPath(done);
        continue;
      }
      const next = joinPath(done, part);
      const entry = this.#entries.get(next);
      if (entry?.type !== "symlink") {
        done = next;
        continue;
      }
      links += 1;
      if (links > MAX_LINKS) throw bad(member, "lies below too many symbolic links");
      if (entry.link!.startsWith("/")) done = "" as BytePath;
      pending.unshift(...entry.link!.split("/"));
    }
    return done;
  }

  #addDirectories(path: BytePath, member: string): void {
    if (this.#directories.has(path)) return;
    this.#addDirectories(parentPath(path), member);
    const entry = this.#entries.get(path);
    if (entry?.type === "whiteout") this.#entries.set(path, { ...impliedDirectory(path), opaque: true });
    else if (entry !== undefined) throw bad(member, `lies below ${quoted(path)}, which is a ${entry.type}`);
    this.#directories.add(path);
  }
}

function impliedDirectory(path: BytePath): Draft {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n };
}

function cleanPath(name: string): BytePath {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw bad(name, `leads out of the layer: ".." is not allowed`);
  return parts.join("/") as BytePath;
}

/** overlayfs's own attributes in a layer could make a directory show what lies elsewhere on the machine (redirect, metacopy). */
function ordinaryXattrs(xattrs: TarHeader["xattrs"]): Entry["xattrs"] {
  const kept = [...(xattrs ?? [])].filter(([name]) => !isOverlayXattr(name));
  return kept.length === 0 ? undefined : new Map(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function isOverlayXattr(name: string): boolean {
  return name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.");
}

function bad(name: string, why: string): StoreFailure {
  return new StoreFailure("bad-layer", `the layer's entry ${quoted(name)} ${why}`);
}

function quoted(path: string): string {
  return JSON.stringify(pathText(path));
}
