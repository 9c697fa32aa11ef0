const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of a duration as Go writes it (`1m30s`, `1.5h`, `100ms`); undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") {
    return 0;
  }
  if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(text)) {
    return undefined;
  }
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)([a-z\u00b5\u03bc]+)/g)) {
    total += Number(number) * UNITS[unit!]!;
  }
  return Math.round(text.startsWith("-") ? -total : total);
}

/** As Go's Duration.String: `1m30s`, `500ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) {
    return "0s";
  }
  if (nanoseconds < 1e9) {
    const unit = nanoseconds < 1e3 ? "ns" : nanoseconds < 1e6 ? "µs" : "ms";
    return `${nanoseconds / UNITS[unit]!}${unit}`;
  }
  const hours = Math.floor(nanoseconds / 3600e9);
  const minutes = Math.floor((nanoseconds % 3600e9) / 60e9);
  const seconds = (nanoseconds % 60e9) / 1e9;
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}
