import type { Entry } from "../../store/layers/entry.ts";
import { hidesBelow } from "../../store/layers/layer-effects.ts";
import type { LayerIndex } from "../../store/layers/layer-index.ts";
import type { Tree } from "../../store/layers/tree.ts";

/**
 * Whether one layer's files stand to those of the tree below as another's do: no file that shows has a time between
 * theirs. Then `make` and its like, which only ask what is newer, find in both the same. The layers say the same, times aside.
 */
export function sameOrder(one: LayerIndex, other: LayerIndex, below: Tree): boolean {
  const moved = one.entries.flatMap((entry, place) => span(entry, other.entries[place]!));
  if (moved.length === 0) return true;
  const [first, last] = [least(moved.map(([from]) => from)), -least(moved.map(([, to]) => -to))];
  const times = [...below.walk()].flatMap(({ entry }) => (entry.type !== "directory" && entry.mtime >= first && entry.mtime <= last && shows(entry, one) ? entry.mtime : []));
  return times.every((time) => !moved.some(([from, to]) => from <= time && time <= to));
}

/** From the earlier to the later of two times of one file, nanoseconds; nothing where they are one. */
function span(a: Entry, b: Entry): [from: bigint, to: bigint][] {
  if (a.type === "directory" || a.type === "whiteout" || a.mtime === b.mtime) return [];
  return [a.mtime < b.mtime ? [a.mtime, b.mtime] : [b.mtime, a.mtime]];
}

function least(times: readonly bigint[]): bigint {
  return times.reduce((a, b) => (b < a ? b : a));
}

function shows({ path }: Entry, above: LayerIndex): boolean {
  return above.get(path) === undefined && !hidesBelow(above, path);
}
