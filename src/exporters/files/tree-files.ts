import type { BytePath } from "../../base/byte-path.ts";
import { linkSameFiles, type PlannedEntry } from "../../executors/copy/plan.ts";
import type { FileSource, SourceEntry } from "../../executors/value.ts";

/**
 * Everything in a tree but its root, parents before children; of the names of one file all but the first are hard links.
 * With SOURCE_DATE_EPOCH (milliseconds) all of it is of then, as BuildKit exports files.
 */
export function treeFiles(source: FileSource, epoch: number | undefined): readonly PlannedEntry[] {
  const files = linkSameFiles([...below(source, "" as BytePath)]);
  return epoch === undefined ? files : files.map(({ entry, ...rest }) => ({ entry: { ...entry, mtime: BigInt(epoch) * 1_000_000n }, ...rest }));
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
