import { statfsSync } from "node:fs";
import { humanSize } from "../base/human-size.ts";
import { isCount, objectOf } from "../base/shape.ts";
import type { EventSink } from "../events/build-event.ts";
import type { DiffId } from "../oci/digest.ts";
import type { Store } from "../store/store.ts";
import { cacheLimits, type DiskSpace } from "./cache-limits.ts";
import type { CacheLimits } from "./choose-parts.ts";
import type { WithSandbox } from "./collect-garbage.ts";

/** What is known of the cache's size without looking at it. */
interface Known {
  /** Bytes that it had when somebody last looked. */
  readonly counted: number;
  /** Bytes at most that builds made since. */
  readonly made: number;
  /** The limit at that time: with another one it is looked at again. */
  readonly most: number;
}

const isKnown = objectOf<Known>({ counted: isCount, made: isCount, most: isCount });

const [KIND, KEY] = ["cache-size", "known"];
/** A layer may be here as a tar and as a directory. */
const MATERIALS = 2;
/** However it stands, nobody looks again before so much of the limit is new: what could not go then cannot go now. */
const WORTH_LOOKING = 0.05;

/**
 * Keeps the cache within its limit after a build that made these layers. Whether to look at all is told by a few
 * numbers: what lies on the disk, what the cache had when it was last looked at, what builds made since. Then parts go that save least
 * work for their size. Never fails a build: what is wrong is a warning.
 */
export async function keepWithinLimit(laminate: WithSandbox, layers: readonly DiffId[], events: EventSink): Promise<void> {
  try {
    await collectBeyond(laminate, layers, events);
  } catch (error) {
    events({ type: "warning", message: `the build cache could not be kept within its limit: ${error instanceof Error ? error.message : String(error)}`, time: Date.now() });
  }
}

async function collectBeyond(laminate: WithSandbox, layers: readonly DiffId[], events: EventSink): Promise<void> {
  const { store, env } = laminate;
  const disk = diskOf(store);
  const limits = cacheLimits(env, disk);
  if (limits === undefined) return;
  if ("problem" in limits) return events({ type: "warning", message: limits.problem, time: Date.now() });
  if (cannotBeBeyond(limits, disk)) return forget(store);
  const sizes = await Promise.all(layers.map((layer) => store.layers.tarSize(layer).catch(() => 0)));
  if (!noteMade(store, MATERIALS * sizes.reduce((sum, size) => sum + size, 0), limits, disk)) return;
  const { pruneCache } = await import("./prune-cache.ts");
  const { verdicts, bytes, left } = await pruneCache(laminate, { all: false, filters: [], limits });
  store.records.put(KIND, KEY, { counted: left, made: 0, most: limits.most! });
  const gone = verdicts.filter(({ goes }) => goes).length;
  if (gone > 0) events({ type: "notice", message: `the build cache took more than ${humanSize(limits.most!)} or left too little of the disk free: ${gone === 1 ? "a part that saves least work for its size" : `${gone} parts that save least work for their size`} went (${humanSize(bytes)})`, time: Date.now() });
}

/** The cache has no more than all that lies on the disk: most machines never need to know how much it is. */
function cannotBeBeyond({ most, free = 0 }: CacheLimits, disk: DiskSpace): boolean {
  return disk.used <= most! && disk.free >= free;
}

/** What was known is not kept up while the disk says enough. */
function forget(store: Store): void {
  if (store.records.keys(KIND).length > 0) store.records.delete(KIND, KEY);
}

/** Notes what a build made; says whether the cache is to be looked at, and then that somebody does, so that builds that end together do not all look. */
function noteMade(store: Store, made: number, limits: CacheLimits, { free }: DiskSpace): boolean {
  const most = limits.most!;
  return store.transaction(() => {
    const known = store.records.get(KIND, KEY, isKnown);
    const now = { counted: known?.counted ?? 0, made: (known?.made ?? 0) + made, most };
    const size = now.counted + now.made;
    const beyond = size > most || (free < (limits.free ?? 0) && size > (limits.reserved ?? 0));
    const looks = known === undefined || known.most !== most || (beyond && now.made >= WORTH_LOOKING * most);
    store.records.put(KIND, KEY, looks ? { ...now, made: 0 } : now);
    return looks;
  });
}

function diskOf({ root }: Store): DiskSpace {
  const { blocks, bfree, bavail, bsize } = statfsSync(root);
  return { size: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize };
}
