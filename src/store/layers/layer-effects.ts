import { parentPath, type BytePath } from "../../base/byte-path.ts";
import type { Entry } from "./entry.ts";
import type { LayerIndex } from "./layer-index.ts";

/** What an entry of a layer does to the tree below it. */
export interface Effect {
  readonly kind: "added" | "changed" | "deleted";
  readonly entry: Entry;
  /** The layer above, by its place, that leaves nothing of it to be seen. */
  readonly hiddenBy?: number;
}

/** What each layer of a stack does, lowest first, as its indexes tell. Directories that are there already and stay what they were do nothing. */
export function layerEffects(stack: readonly LayerIndex[]): Effect[][] {
  return stack.map(({ entries }, place) => entries.flatMap((entry): Effect[] => effectOf(entry, stack, place)));
}

function effectOf(entry: Entry, stack: readonly LayerIndex[], place: number): Effect[] {
  const before = below(entry.path, stack, place);
  if (entry.type === "whiteout") return before === undefined ? [] : [{ kind: "deleted", entry }];
  if (entry.type === "directory" && before?.type === "directory" && before.mode === entry.mode && before.uid === entry.uid && before.gid === entry.gid) return [];
  const above = stack.findIndex((index, at) => at > place && covers(index, entry));
  return [{ kind: before === undefined ? "added" : "changed", entry, ...(above < 0 ? {} : { hiddenBy: above }) }];
}

/** What the layers below one have at a path. */
function below(path: BytePath, stack: readonly LayerIndex[], place: number): Entry | undefined {
  for (let at = place - 1; at >= 0; at -= 1) {
    const own = stack[at]!.get(path);
    if (own !== undefined) return own.type === "whiteout" ? undefined : own;
    if (hidesBelow(stack[at]!, path)) return undefined;
  }
  return undefined;
}

/** Whether a layer puts something in the place of an entry below it; a directory over a directory leaves what is in it. */
function covers(index: LayerIndex, { path, type }: Entry): boolean {
  const own = index.get(path);
  return (own !== undefined && !(type === "directory" && own.type === "directory")) || hidesBelow(index, path);
}

/** Whether a directory above a path is deleted, hidden or replaced by a layer, with all that lower layers have in it. */
export function hidesBelow(index: LayerIndex, path: BytePath): boolean {
  for (let at = path; at !== ""; ) {
    at = parentPath(at);
    const parent = index.get(at);
    if (parent !== undefined && (parent.type !== "directory" || parent.opaque === true)) return true;
  }
  return false;
}
