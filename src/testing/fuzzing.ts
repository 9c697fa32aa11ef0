import { afterAll } from "vitest";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);

/** How often a property is tried: `runs` times, or, with FUZZ_SECONDS, for so many seconds. */
export function budget(runs: number): { readonly numRuns: number; readonly interruptAfterTimeLimit?: number } {
  return seconds === 0 ? { numRuns: runs } : { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 };
}

/** The time that a test of such a property may take. */
export const fuzzTimeout = 180_000 + seconds * 1500;

const tried = new Map<string, number>();

/** Counts an input; with FUZZ_SECONDS the figures are printed at the end. */
export function count(what: string): void {
  tried.set(what, (tried.get(what) ?? 0) + 1);
}

afterAll(() => {
  if (seconds > 0) for (const [what, times] of tried) console.log(`${what}: ${times.toLocaleString("en")}`);
});
