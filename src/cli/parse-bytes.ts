import { UsageError } from "./usage-error.ts";

const FACTORS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, kb: 2 ** 10, kib: 2 ** 10, m: 2 ** 20, mb: 2 ** 20, mib: 2 ** 20, g: 2 ** 30, gb: 2 ** 30, gib: 2 ** 30, t: 2 ** 40, tb: 2 ** 40, tib: 2 ** 40 };

/** Bytes as docker's flags take them: `512m`, `10GB`, `1.5GiB`; all units are powers of 1024 (go-units, RAMInBytes). Throws UsageError. */
export function parseBytes(text: string, flag: string): number {
  const found = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text);
  const factor = FACTORS[found?.[2]?.toLowerCase() ?? "?"];
  if (found === null || factor === undefined) {
    throw new UsageError("bad-value", `invalid argument "${text}" for "${flag}" flag: invalid size: '${text}'`, { hint: "as in 512MB or 10GB" });
  }
  return Math.floor(Number(found[1]) * factor);
}
