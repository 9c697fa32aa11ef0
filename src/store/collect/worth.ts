/** What is known of a part of the cache when it is asked how much it is worth to keep it. */
export interface Kept {
  /** Milliseconds that making it again takes; undefined where nobody knows. */
  readonly took?: number | undefined;
  /** Bytes of the disk that it takes. */
  readonly bytes: number;
  /** When it was last used, milliseconds since the epoch. */
  readonly used: number;
  /** In how many hours it was used. */
  readonly uses: number;
}

/** Uses are written down to the hour, so nothing is known of what is nearer. */
const HOUR = 3_600_000;

/**
 * How much work a byte of a part saves, as far as that can be told: time to make it again × how likely it is to be
 * asked for ÷ bytes (as in LNC: Scheuermann, Shim, Vingralek, WATCHMAN, VLDB 1996). Likely is what was used often and
 * lately. That counts twice: of builds that were recorded, most of what is asked for once is never asked for again, so
 * a few uses long ago promise less than their rate says (docs/cache.md has the replay). Where the cost is not known,
 * `usual` stands for cost ÷ bytes.
 */
export function worth({ took, bytes, used, uses }: Kept, { now, usual }: { readonly now: number; readonly usual: number }): number {
  const cost = took === undefined ? usual : took / Math.max(1, bytes);
  return cost * ((uses * HOUR) / (Math.max(0, now - used) + HOUR)) ** 2;
}

/** Milliseconds a byte, over all parts whose cost is known. */
export function usualCost(parts: readonly Pick<Kept, "took" | "bytes">[]): number {
  const known = parts.filter(({ took }) => took !== undefined);
  const bytes = known.reduce((sum, part) => sum + part.bytes, 0);
  return bytes === 0 ? 1 : known.reduce((sum, { took }) => sum + took!, 0) / bytes;
}
