import { expect, test } from "vitest";
import type { CachePart } from "./cache-parts.ts";
import { cacheLimits } from "./cache-limits.ts";
import { chooseParts, type CacheLimits } from "./choose-parts.ts";

/* Within a limit what goes first is what saves least work for its size; the age alone decides nothing. */

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const MB = 1e6;

function part(id: string, facts: Partial<CachePart> & { readonly hours?: number }): CachePart {
  const used = NOW - (facts.hours ?? 0) * HOUR;
  const mount = { name: id, id, place: "", created: used, used };
  return { id, type: "regular", description: id, content: id, bytes: 10 * MB, took: 1000, uses: 1, used, created: used, shared: false, inUse: false, origin: { mount }, ...facts };
}

/** In order, what goes. */
function going(parts: readonly CachePart[], limits: CacheLimits, free = 0): string[] {
  return chooseParts(parts, { all: false, filters: [], limits, free, now: NOW }, () => true).flatMap(({ subject, goes }) => (goes ? [subject.id] : []));
}

/** In order, all that goes one after the other. */
const order = (...parts: readonly CachePart[]): string[] => going(parts, { most: 1 });

test("what takes long to make stays longer than what takes as much room and is made at once", () => {
  expect(order(part("slow", { took: 60_000, hours: 20 }), part("fast", { took: 100, hours: 1 }))).toEqual(["fast", "slow"]);
});

test("of parts that save as much, the larger goes first", () => {
  expect(order(part("small", { bytes: MB }), part("large", { bytes: 100 * MB }))).toEqual(["large", "small"]);
});

test("of like parts goes what was unused longest, and what was used in fewer hours", () => {
  expect(order(part("new", { hours: 1 }), part("old", { hours: 50 }))).toEqual(["old", "new"]);
  expect(order(part("often", { uses: 9 }), part("once", {}))).toEqual(["once", "often"]);
});

test("what was costly goes at last when nobody asks for it any more", () => {
  expect(order(part("costly", { took: 60_000, hours: 900 }), part("daily", { took: 5_000, hours: 3, uses: 20 }))).toEqual(["costly", "daily"]);
});

test("a part whose cost nobody knows counts as the others do for its size", () => {
  const unknown = part("unknown", { took: undefined, bytes: 5 * MB });
  expect(order(part("cheap", { took: 10 }), unknown, part("dear", { took: 10_000 }))).toEqual(["cheap", "unknown", "dear"]);
});

test("only as much goes as the limits ask for, with what is reserved, and the disk's free room", () => {
  const three = [part("a", { took: 1 }), part("b", { took: 2 }), part("c", { took: 3 })];
  expect(going(three, { most: 30 * MB })).toEqual([]);
  expect(going(three, { most: 20 * MB })).toEqual(["a"]);
  expect(going(three, { most: 20 * MB, down: 10 * MB })).toEqual(["a", "b"]);
  expect(going(three, { most: 30 * MB, down: 10 * MB })).toEqual([]);
  expect(going(three, { most: 30 * MB, free: 15 * MB }, 10 * MB)).toEqual(["a"]);
  expect(going(three, { free: 40 * MB, reserved: 20 * MB })).toEqual(["a"]);
});

test("what is in use stays, and so does what would free nothing; parts of one content free it together", () => {
  expect(order(part("held", { inUse: true }), part("image's", { shared: true }), part("free", {}))).toEqual(["free"]);
  const [one, other] = [part("one", { content: "layer" }), part("other", { content: "layer" })];
  expect(going([one, other, part("dear", { took: 9_000 })], { most: 10 * MB })).toEqual(["one", "other"]);
  expect(order(one, { ...other, inUse: true })).toEqual([]);
});

test("LAMINATE_CACHE_LIMIT is a size, a part of the disk or off; without it BuildKit's own bounds hold", () => {
  const disk = { size: 50e9 };
  const of = (text: string) => cacheLimits({ LAMINATE_CACHE_LIMIT: text }, disk);
  expect(of("2GB")).toEqual({ most: 2 * 2 ** 30, down: Math.floor(2 ** 31 * 0.9) });
  expect(of("10%")).toEqual({ most: 5e9, down: 4.5e9 });
  expect(of("off")).toBeUndefined();
  expect(of("plenty")).toEqual({ problem: expect.stringContaining('"plenty"') as string });
  expect(of("")).toEqual({ most: 40e9, down: 36e9, free: 10e9, reserved: 5e9 });
  expect(cacheLimits({}, { size: 2e12 })).toMatchObject({ most: 100e9, reserved: 10e9 });
});
