import { baseName, joinPath, parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import { readTar } from "../../archive/read-tar.ts";
import type { TarHeader } from "../../archive/tar-header.ts";
import { StoreFailure } from "../store-error.ts";
import type { Entry } from "./entry.ts";

/** What one member of a layer's tar says, its whiteout names understood. */
export type LayerMember =
  | { readonly kind: "entry"; readonly entry: Entry; readonly body: AsyncIterable<Buffer> }
  /** All that lower layers have in this directory is hidden. */
  | { readonly kind: "opaque"; readonly path: BytePath };

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** aufs's own bookkeeping; nothing to do with the image (image-spec, layer.md, reserves the prefix). */
const RESERVED = ".wh..wh.";

/** PATH_MAX without the NUL, and NAME_MAX (Linux, limits.h). */
const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;

/**
 * Reads a layer's tar member by member (image-spec, layer.md). Names are brought to byte paths below the root; one that
 * climbs out of it is refused with StoreFailure `unsafe-tar`, as are links to files outside.
 */
export async function* readLayer(source: AsyncIterable<Buffer>): AsyncGenerator<LayerMember> {
  for await (const { header, offset, body } of readTar(source)) {
    const path = cleanPath(header.name, header.name);
    const name = baseName(path);
    if (name === OPAQUE) {
      yield { kind: "opaque", path: parentPath(path) };
    } else if (name.startsWith(RESERVED)) {
      continue;
    } else if (name.startsWith(WHITEOUT)) {
      yield { kind: "entry", entry: whiteout(path, header), body };
    } else {
      yield { kind: "entry", entry: entryOf(path, header, offset), body };
    }
  }
}

function whiteout(path: BytePath, { mtime }: TarHeader): Entry {
  const name = baseName(path).slice(WHITEOUT.length);
  if (name === "" || name === "." || name === "..") {
    throw new StoreFailure("unsafe-tar", `the layer has a whiteout that names nothing: ${shown(path)}`);
  }
  return { path: joinPath(parentPath(path), name), type: "whiteout", mode: 0, uid: 0, gid: 0, size: 0, mtime };
}

function entryOf(path: BytePath, header: TarHeader, offset: number | undefined): Entry {
  const { type, mode, uid, gid, size, mtime, link, major, minor, xattrs } = header;
  if (path === "" && type !== "directory") {
    throw new StoreFailure("unsafe-tar", `the layer would replace the root directory by a ${type}`);
  }
  const kept = new Map([...(xattrs ?? [])].filter(([name]) => !name.startsWith("trusted.overlay.") && !name.startsWith("user.overlay.")));
  return {
    path,
    type,
    mode,
    uid,
    gid,
    size: type === "file" ? size : 0,
    mtime,
    ...(type === "symlink" ? { link: link ?? "" } : {}),
    ...(type === "hardlink" ? { link: cleanPath(link ?? "", header.name) } : {}),
    ...(type === "character" || type === "block" ? { major: major ?? 0, minor: minor ?? 0 } : {}),
    ...(kept.size === 0 ? {} : { xattrs: kept }),
    ...(type === "file" && offset !== undefined ? { offset } : {}),
  };
}

/** A name below the root: leading slashes and `.` drop, `..` is refused wherever it stands. */
function cleanPath(name: string, member: string): BytePath {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) {
    throw new StoreFailure("unsafe-tar", `the tar's member ${shown(member)} climbs out with ".."`);
  }
  if (name.includes("\0")) {
    throw new StoreFailure("unsafe-tar", `the tar's member ${shown(member)} has a NUL in its name`);
  }
  const path = parts.join("/");
  if (path.length > LONGEST_PATH || parts.some((part) => part.length > LONGEST_NAME + (part.startsWith(WHITEOUT) ? WHITEOUT.length : 0))) {
    throw new StoreFailure("unsafe-tar", `the tar's member ${shown(member.slice(0, 100))}… has a name longer than Linux allows: ${LONGEST_PATH} bytes in all, ${LONGEST_NAME} between slashes`);
  }
  return path as BytePath;
}

function shown(name: string): string {
  return JSON.stringify(pathText(name));
}
