import { baseName, joinPath, parentPath, pathText, type BytePath } from "../base/byte-path.ts";
import { writeTar, type TarSource } from "../archive/write-tar.ts";
import type { Entry } from "./layers/entry.ts";
import { StoreFailure } from "./store-error.ts";

/** An entry to write into a layer; a file of more than no bytes has its content. */
export interface LayerSource {
  readonly entry: Entry;
  readonly content?: () => Iterable<Buffer> | AsyncIterable<Buffer>;
}

/**
 * Writes the tar of a layer: sorted by path, deletions as `.wh.` names (OCI image-spec, layer.md), a file of several
 * names under the first of them. The same entries give the same bytes.
 */
export async function* writeLayerTar(sources: readonly LayerSource[]): AsyncGenerator<Buffer> {
  const sorted = [...sources].sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
  yield* writeTar(members(withFirstNames(sorted)));
}

function* members(sources: readonly LayerSource[]): Generator<TarSource> {
  for (const { entry, content } of sources) {
    refuseReserved(entry.path);
    const directory = parentPath(entry.path);
    if (entry.type === "whiteout") {
      yield marker(joinPath(directory, `.wh.${baseName(entry.path)}`));
      continue;
    }
    yield { header: { ...entry, name: entry.path === "" ? "./" : entry.path, type: entry.type }, ...(content === undefined ? {} : { content }) };
    if (entry.opaque === true) yield marker(joinPath(entry.path, ".wh..wh..opq"));
  }
}

function marker(name: BytePath): TarSource {
  return { header: { name, type: "file", mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n } };
}

/** Whoever unpacks a tar in its order must find the file before the hard links to it. */
function withFirstNames(sorted: readonly LayerSource[]): LayerSource[] {
  const files = new Map(sorted.filter(({ entry }) => entry.type !== "hardlink").map((source) => [source.entry.path as string, source]));
  const firstNames = new Map<string, BytePath>();
  return sorted.map((source) => {
    const target = source.entry.type === "hardlink" ? source.entry.link! : source.entry.path;
    const first = firstNames.get(target);
    if (first === undefined) {
      firstNames.set(target, source.entry.path);
      const file = files.get(target);
      if (file === undefined) throw new Error(`Internal error: the hard link ${pathText(source.entry.path)} names ${pathText(target)}, which is not in its layer`);
      return { ...file, entry: { ...file.entry, path: source.entry.path } };
    }
    const { mode, uid, gid, mtime } = files.get(target)!.entry;
    return { entry: { path: source.entry.path, type: "hardlink", mode, uid, gid, size: 0, mtime, link: first } };
  });
}

/** In a layer such a name would delete another file instead. */
function refuseReserved(path: BytePath): void {
  if (baseName(path).startsWith(".wh.")) {
    throw new StoreFailure("reserved-name", `cannot put ${JSON.stringify(pathText(path))} into a layer: names that start with ".wh." mean deletions there`);
  }
}
