import type { BytePath } from "../../base/byte-path.ts";
import { linkSameFiles, type PlannedEntry } from "../../executors/copy/plan.ts";
import type { FileSource, SourceEntry } from "../../executors/value.ts";

/** Everything in a tree but its root, parents before children; of the names of one file all but the first are hard links. */
export function treeFiles(source: FileSource): readonly PlannedEntry[] {
  return linkSameFiles([...below(source, "" as BytePath)]);
}

function* below(source: FileSource, directory: BytePath): Generator<PlannedEntry> {
  for (const one of source.children(directory)) {
    yield planned(source, one);
    if (one.entry.type === "directory") yield* below(source, one.entry.path);
  }
}

function planned(source: FileSource, { entry, inode }: SourceEntry): PlannedEntry {
  return { entry, ...(entry.type === "file" ? { content: { source, entry } } : {}), ...(inode === undefined ? {} : { inode }) };
}
