import type { CachePart } from "../../api/cache-parts.ts";
import { chooseParts } from "../../api/choose-parts.ts";
import type { Trace } from "./trace.ts";

/** Which parts of a cache go, of those that may, until it has no more than so many bytes. */
export type Policy = (parts: readonly CachePart[], options: { readonly most: number; readonly now: number }) => readonly CachePart[];

/** What builds do by themselves. */
export const byWorth: Policy = (parts, { most, now }) =>
  chooseParts(parts, { all: false, filters: [], limits: { most }, free: 0, now }, () => true).flatMap(({ subject, goes }) => (goes ? [subject] : []));

/** The longest unused first, as BuildKit and others do. */
export const leastRecentlyUsed: Policy = (parts, { most }) => {
  let left = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const goes: CachePart[] = [];
  for (const part of parts.filter(({ inUse }) => !inUse).toSorted((a, b) => a.used - b.used)) {
    if (left <= most) break;
    goes.push(part);
    left -= part.bytes;
  }
  return goes;
};

export interface Replayed {
  /** Milliseconds of work that was done again because the cache had forgotten it. */
  readonly again: number;
  /** Milliseconds of all that ran, the first times with it. */
  readonly ran: number;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;

/**
 * Lets the builds of a trace ask a cache that never has more than `most` bytes after a build; a step that is missed
 * costs what it cost when it was recorded. The layers of the build that just ended stay, as a store's do.
 */
export function replay({ steps, builds }: Trace, most: number, policy: Policy): Replayed {
  const cache = new Map<number, CachePart>();
  const met = new Map<number, { readonly uses: number; readonly used: number }>();
  let [again, ran] = [0, 0];
  for (const build of builds) {
    const now = build.at * MINUTE;
    for (const step of build.steps) {
      const { took, name, bytes } = steps[step]!;
      if (!cache.has(step)) {
        ran += took;
        if (met.has(step)) again += took;
      }
      // As the store notes uses: to the hour, and after a removal too.
      const before = met.get(step);
      const fresh = before === undefined || now - before.used > HOUR;
      const use = fresh ? { uses: (before?.uses ?? 0) + 1, used: now } : before;
      met.set(step, cache.has(step) ? use : { ...use, used: now });
      const { uses, used } = met.get(step)!;
      cache.set(step, { id: `${step}`, type: "regular", description: name, content: `${step}`, bytes, took, uses, used, created: now, shared: false, inUse: false, origin: { mount: { name, id: name, place: "", created: now, used: now } } });
    }
    const held = new Set(build.steps);
    const parts = [...cache].map(([step, part]) => ({ ...part, inUse: held.has(step) }));
    for (const { id } of policy(parts, { most, now })) cache.delete(Number(id));
  }
  return { again, ran };
}
