import { parentPath, type BytePath } from "../../base/byte-path.ts";
import type { Entry } from "./entry.ts";
import type { LayerIndex } from "./layer-index.ts";

/** A layer with more changes than that has a directory of its own. */
const MOST_ENTRIES = 1000;

/**
 * What a directory must hold so that over the earlier layer's it is the whole layer: the entries that differ, with the
 * directories above them. Undefined where no such directory can be: what only the earlier layer has would show through,
 * an opaque mark would hide it, and the names of one file would lie in two places.
 */
export function layerDelta(earlier: LayerIndex, index: LayerIndex): readonly Entry[] | undefined {
  const changed = changedEntries(earlier, index);
  if (changed === undefined || changed.some((entry) => !fits(entry, earlier)) || index.columns.has("hardlink")) {
    return undefined;
  }
  const chosen = new Map<BytePath, Entry>();
  for (const entry of changed) {
    for (let path = entry.path; !chosen.has(path); path = parentPath(path)) {
      const found = index.get(path);
      // A mark would hide the earlier layer's directory; that one's own mark hides what is below both.
      if (found !== undefined) chosen.set(path, found.opaque === true ? unmarked(found) : found);
      if (path === "") break;
    }
  }
  return [...chosen.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What is new or different; undefined when something is gone or it is too much. */
function changedEntries({ columns: before }: LayerIndex, { columns: after }: LayerIndex): readonly Entry[] | undefined {
  const changed: Entry[] = [];
  let place = 0;
  for (const [at, path] of after.paths.entries()) {
    const old = before.paths[place];
    if (old !== undefined && old < path) return undefined;
    if (old !== path || !before.isSame(place, after, at)) changed.push(after.entry(at));
    if (old === path) place += 1;
    if (changed.length > MOST_ENTRIES) return undefined;
  }
  return place === before.length ? changed : undefined;
}

/** A directory stays one, marked or not as it was; nothing else becomes one or was one. */
function fits(entry: Entry, earlier: LayerIndex): boolean {
  const old = earlier.get(entry.path);
  if (old === undefined) return entry.opaque !== true;
  return (old.type === "directory") === (entry.type === "directory") && old.opaque === entry.opaque;
}

function unmarked(entry: Entry): Entry {
  const { opaque: _opaque, ...rest } = entry;
  return rest;
}
