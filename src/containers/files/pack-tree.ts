import { bytePath, type BytePath } from "../../base/byte-path.ts";
import { writeLayerTar } from "../../store/layer-tar.ts";
import { treeEntries } from "../../store/layers/diff-directory.ts";

/** The tar of a file or directory, its members named after `as`; with an empty `as`, of what is in the directory. */
export function packTree(path: string, as: string): AsyncIterable<Buffer> {
  return writeLayerTar(treeEntries(path, as === "" ? ("" as BytePath) : bytePath(as)));
}
