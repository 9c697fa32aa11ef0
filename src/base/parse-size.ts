const FACTORS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, kb: 2 ** 10, kib: 2 ** 10, m: 2 ** 20, mb: 2 ** 20, mib: 2 ** 20, g: 2 ** 30, gb: 2 ** 30, gib: 2 ** 30, t: 2 ** 40, tb: 2 ** 40, tib: 2 ** 40 };

/** Bytes as docker's flags take them: `512m`, `10GB`, `1.5GiB`; all units are powers of 1024 (go-units, RAMInBytes). Undefined for what is none. */
export function parseSize(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text);
  const factor = FACTORS[found?.[2]?.toLowerCase() ?? "?"];
  return found === null || factor === undefined ? undefined : Math.floor(Number(found[1]) * factor);
}
