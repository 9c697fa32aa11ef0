import type { TarHeader } from "../../archive/tar-header.ts";
import { type TarSource, writeTar } from "../../archive/write-tar.ts";
import type { PlannedEntry } from "../../executors/copy/plan.ts";

/** A tree's files as one tar, owners and all (docker build --output type=tar). */
export function treeTar(files: readonly PlannedEntry[]): AsyncIterable<Buffer> {
  return writeTar(files.map(member));
}

function member({ entry, content }: PlannedEntry): TarSource {
  const { path: name, type, digest: _digest, offset: _offset, opaque: _opaque, ...rest } = entry;
  if (type === "whiteout") throw new Error("Internal error: a tree has no whiteouts");
  const header: TarHeader = { name, type, ...rest };
  return { header, ...(content === undefined ? {} : { content: () => content.source.read(content.entry) }) };
}
