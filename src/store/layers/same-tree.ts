import type { BytePath } from "../../base/byte-path.ts";
import type { DiffId, Digest } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";
import { hidesBelow } from "./layer-effects.ts";
import { layerIdentity } from "./identity.ts";
import type { LayerIndex } from "./layer-index.ts";

/** With more differences it is not worth looking. */
const MOST_DIFFERENCES = 2000;

const EMPTY = layerIdentity([]);

/** What there is to know of layers. */
export interface ComparedLayers {
  index(layer: DiffId): Promise<LayerIndex>;
  identity(layer: DiffId): Promise<Digest>;
}

/**
 * Whether two stacks of layers hold the same tree, times aside: where a layer differs, all that differs in it is hidden
 * by layers above that both have, and layers in which nothing is do not count. True is certain; false may also be said of stacks that would take more to compare.
 */
export async function sameTree(one: readonly DiffId[], other: readonly DiffId[], layers: ComparedLayers): Promise<boolean> {
  const [a, b] = one.length === other.length ? [one, other] : [await withoutEmpty(one, layers), await withoutEmpty(other, layers)];
  if (a.length !== b.length) return false;
  for (let place = a.length - 1; place >= 0; place -= 1) {
    if (a[place] === b[place]) continue;
    const [left, right] = [a[place]!, b[place]!];
    if ((await layers.identity(left)) === (await layers.identity(right))) continue;
    const above = a.slice(place + 1).filter((layer, index) => layer === b[place + 1 + index]);
    if (above.length === 0) return false;
    const differences = between(await layers.index(left), await layers.index(right));
    if (differences === undefined || !(await areHidden(differences, above, layers))) return false;
  }
  return true;
}

/** A step that changes nothing makes an empty layer. */
async function withoutEmpty(stack: readonly DiffId[], layers: ComparedLayers): Promise<readonly DiffId[]> {
  const identities = await Promise.all(stack.map((layer) => layers.identity(layer)));
  return stack.filter((_, place) => identities[place] !== EMPTY);
}

interface Difference {
  readonly path: BytePath;
  /** Whether it is just another directory: nothing below it is hidden by either side. */
  readonly directories: boolean;
}

function between({ columns: a }: LayerIndex, { columns: b }: LayerIndex): Difference[] | undefined {
  const found: Difference[] = [];
  for (let [x, y] = [0, 0]; x < a.length || y < b.length; ) {
    const [left, right] = [a.paths[x], b.paths[y]];
    if (left === right) {
      if (!a.isLike(x, b, y)) found.push({ path: left!, directories: isPlain(a.entry(x)) && isPlain(b.entry(y)) });
      x += 1;
      y += 1;
    } else {
      const one = right === undefined || (left !== undefined && left < right) ? left! : right;
      found.push({ path: one, directories: false });
      if (one === left) x += 1;
      else y += 1;
    }
    if (found.length > MOST_DIFFERENCES) return undefined;
  }
  return found;
}

function isPlain({ type, opaque }: Entry): boolean {
  return type === "directory" && opaque !== true;
}

async function areHidden(differences: readonly Difference[], above: readonly DiffId[], layers: ComparedLayers): Promise<boolean> {
  const indexes = await Promise.all(above.map((layer) => layers.index(layer)));
  return differences.every((difference) => indexes.some((index) => hides(index, difference)));
}

/** Whether a layer leaves nothing to be seen of what lower ones have at a path. */
function hides(index: LayerIndex, { path, directories }: Difference): boolean {
  const own = index.get(path);
  return (own !== undefined && (!isPlain(own) || directories)) || hidesBelow(index, path);
}
