import { baseName, joinPath, parentPath } from "../base/byte-path.ts";
import type { TarHeader } from "../archive/tar-header.ts";
import { writeTar, type TarSource } from "../archive/write-tar.ts";
import type { Entry } from "./layers/entry.ts";

/** An entry of a layer to be written; `content` gives the bytes of a file. */
export interface LayerTarEntry {
  readonly entry: Entry;
  readonly content?: () => AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** The tar of a layer, members in the order given, whiteouts and opaque directories by their `.wh.` names (image-spec, layer.md). Equal entries give equal bytes. */
export function writeLayerTar(entries: Iterable<LayerTarEntry>): AsyncIterable<Buffer> {
  return writeTar(members(entries));
}

function* members(entries: Iterable<LayerTarEntry>): Iterable<TarSource> {
  for (const { entry, content } of entries) {
    if (entry.type === "whiteout") {
      yield { header: markerHeader(joinPath(parentPath(entry.path), `.wh.${baseName(entry.path)}`), entry.mtime) };
      continue;
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
    yield content === undefined ? { header } : { header, content };
    if (entry.opaque === true) {
      yield { header: markerHeader(joinPath(path, ".wh..wh..opq"), mtime) };
    }
  }
}

function markerHeader(name: string, mtime: bigint): TarHeader {
  return { name, type: "file", mode: 0, uid: 0, gid: 0, size: 0, mtime };
}
