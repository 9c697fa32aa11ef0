import path from "node:path";
import { describe, expect, test } from "vitest";
import { byWorth, leastRecentlyUsed, type Policy, replay } from "./replay.ts";
import { allBytes, readTrace, type Trace } from "./trace.ts";

/* What a bounded cache saves, replayed: docs/cache.md has the table of the recorded traces, which `node bench/collection.ts --write` renews. */

const MB = 1e6;
/** Parts of all that a cache without a limit would hold. */
const LIMITS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5];

describe("a small trace", () => {
  /** A costly step that is asked for every few hours, among large ones that nobody asks for again. */
  const trace: Trace = {
    about: "by hand",
    steps: [{ name: "costly", took: 60_000, bytes: 10 * MB }, ...Array.from({ length: 8 }, (_, at) => ({ name: `large ${at}`, took: 200, bytes: 40 * MB }))],
    builds: Array.from({ length: 8 }, (_, at) => ({ at: at * 60, what: "", steps: at % 4 === 3 || at === 0 ? [0, at + 1] : [at + 1] })),
  };

  test("keeps the costly step under a limit under which the longest unused first loses it each time", () => {
    expect(replay(trace, 100 * MB, leastRecentlyUsed).again).toBe(120_000);
    expect(replay(trace, 100 * MB, byWorth).again).toBe(0);
  });

  test("costs nothing where all has room", () => {
    expect(replay(trace, allBytes(trace), byWorth).again).toBe(0);
  });
});

describe("the builds that were recorded", () => {
  test.each(["history", "projects"])("of %s do less again under limits than where the longest unused goes first", (name) => {
    const trace = readTrace(path.join(import.meta.dirname, `traces/${name}.json`));
    const again = (policy: Policy): number => LIMITS.reduce((sum, part) => sum + replay(trace, allBytes(trace) * part, policy).again, 0);
    expect(again(byWorth)).toBeLessThan(0.95 * again(leastRecentlyUsed));
  });
});
