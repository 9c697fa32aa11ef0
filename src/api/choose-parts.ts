import { usualCost, worth } from "../store/collect/worth.ts";
import type { CacheFilter } from "./cache-filters.ts";
import type { CachePart } from "./cache-parts.ts";
import type { Verdict } from "./verdict.ts";

/** Bytes, as BuildKit's garbage collection has them. */
export interface CacheLimits {
  /** So much the cache may take at most. */
  readonly most?: number;
  /** Where it takes more than `most`, it is brought down to this, so that a little more is not at once too much again. */
  readonly down?: number;
  /** So much of the disk is to be free afterwards. */
  readonly free?: number;
  /** So much of the cache stays in any case. */
  readonly reserved?: number;
}

/** Which parts of the cache are to go. */
export interface Choice {
  /** Also parts whose content images share. */
  readonly all: boolean;
  /** Only what all of them take. */
  readonly filters: readonly CacheFilter[];
  /** Parts go until these hold, those first that save least work for their size; without, all go that may. */
  readonly limits?: CacheLimits;
  /** Bytes that are free on the disk now. */
  readonly free: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Whether a part goes, and why. */
export type CacheVerdict = Verdict<CachePart>;

/** What a part takes the disk for, with all parts that do: it is free when they all go. */
interface Group {
  readonly parts: readonly CachePart[];
  readonly frees: number;
  readonly worth: number;
  /** Why each part of it stays whatever the limits; undefined for one that may go. */
  readonly bound: readonly (string | undefined)[];
}

/** Decides about each part; `remove` is told what is to go and says whether it went, as what is in use does not. */
export function chooseParts(parts: readonly CachePart[], choice: Choice, remove: (part: CachePart) => boolean): CacheVerdict[] {
  const groups = groupsOf(parts, choice);
  if (choice.limits === undefined) return groups.flatMap((group) => group.parts.map((part, place) => verdict(part, group.bound[place], remove)));
  const total = groups.reduce((sum, { parts: [first] }) => sum + (first!.shared ? 0 : first!.bytes), 0);
  const keep = keptBytes(choice.limits, total, choice.free);
  let left = total;
  return groups.toSorted((a, b) => a.worth - b.worth).flatMap((group) => {
    const stays = left <= keep ? "the limits hold without it" : group.frees === 0 ? "nothing would be free without it" : undefined;
    const verdicts = group.parts.map((part, place) => verdict(part, group.bound[place] ?? stays, remove, "of what is left it saves least work for its size, and the cache takes more than the limits"));
    if (verdicts.every(({ goes }) => goes)) left -= group.frees;
    return verdicts;
  });
}

function verdict(part: CachePart, stays: string | undefined, remove: (part: CachePart) => boolean, goes = "no image and no process needs it"): CacheVerdict {
  if (stays !== undefined) return { subject: part, goes: false, why: stays };
  return remove(part)
    ? { subject: part, goes: true, why: part.shared ? "asked for with --all; its layer stays, as an image has it" : goes } 
    : { subject: part, goes: false, why: "a process at work uses it" };
}

function groupsOf(parts: readonly CachePart[], choice: Choice): Group[] {
  const usual = usualCost(parts);
  return [...Map.groupBy(parts, ({ content }) => content).values()].map((those) => {
    const bound = those.map((part) => boundBy(part, choice));
    const frees = bound.some((why) => why !== undefined) || those[0]!.shared ? 0 : those[0]!.bytes;
    return { parts: those, bound, frees, worth: those.reduce((sum, part) => sum + worth(part, { now: choice.now, usual }), 0) };
  });
}

function boundBy(part: CachePart, { all, filters }: Choice): string | undefined {
  if (part.inUse) return "a process at work uses it";
  const other = filters.find(({ takes }) => !takes(part));
  if (other !== undefined) return `not of --filter ${other.text}`;
  return part.shared && !all ? "an image has its layer too (--all takes it)" : undefined;
}

/** How much of the cache may stay (BuildKit, cache/manager.go, calculateKeepBytes). */
function keptBytes({ most = 0, down = most, free: wanted = 0, reserved = 0 }: CacheLimits, total: number, free: number): number {
  const room = free + total - wanted;
  const own = total > most ? down : most;
  const kept = wanted > 0 && (most === 0 || room < own) ? room : own;
  return Math.max(kept, reserved);
}
