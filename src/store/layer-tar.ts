import { baseName, joinPath, parentPath } from "../base/byte-path.ts";
import type { TarHeader } from "../archive/tar-header.ts";
import { writeTar, type TarSource } from "../archive/write-tar.ts";
import type { Entry } from "./layers/entry.ts";

/** An entry of a layer to be written; `content` gives the bytes of a file. */
export interface LayerTarEntry {
  readonly entry: Entry;
  readonly content?: () => AsyncIterable<Buffer> | Iterable<Buffer>;
}

/**
 * The tar of a layer, members in the order given, whiteouts and opaque directories by their `.wh.` names (image-spec, layer.md),
 * which have the modes, owners and times that docker gives them. Equal entries give equal bytes.
 */
export function writeLayerTar(entries: Iterable<LayerTarEntry>): AsyncIterable<Buffer> {
  return writeTar(members(entries));
}

function* members(entries: Iterable<LayerTarEntry>): Iterable<TarSource> {
  for (const { entry, content } of entries) {
    const [header, ...markers] = headersOf(entry);
    yield content === undefined ? { header: header! } : { header: header!, content };
    for (const marker of markers) yield { header: marker };
  }
}

/** The headers of the members that say an entry: its own, which the content follows, and a mark for an opaque directory. */
export function headersOf(entry: Entry): TarHeader[] {
  if (entry.type === "whiteout") {
    return [{ name: joinPath(parentPath(entry.path), `.wh.${baseName(entry.path)}`), type: "file", mode: 0o600, uid: 0, gid: 0, size: 0, mtime: entry.mtime }];
  }
  const { path, type, mode, uid, gid, size, mtime, link, major, minor, xattrs } = entry;
  const header: TarHeader = {
    name: path === "" ? "./" : path,
    type,
    mode,
    uid,
    gid,
    size,
    mtime,
    ...(link === undefined ? {} : { link }),
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
  if (entry.opaque !== true) {
    return [header];
  }
  return [header, { name: joinPath(path, ".wh..wh..opq"), type: "file", mode: mode & 0o777, uid, gid, size: 0, mtime: 0n }];
}
