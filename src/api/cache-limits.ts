import { parseSize } from "../base/parse-size.ts";
import type { CacheLimits } from "./choose-parts.ts";

/** What there is of a disk, bytes. */
export interface DiskSpace {
  readonly size: number;
  readonly used: number;
  /** For us: some is kept for root. */
  readonly free: number;
}

/** What LAMINATE_CACHE_LIMIT says cannot be understood. */
export interface BadLimit {
  readonly problem: string;
}

const GB = 1e9;
/** What a cache over its limit is brought down to, so that the next builds have room. */
const DOWN_TO = 0.9;

/**
 * Within what the build cache is kept after builds: LAMINATE_CACHE_LIMIT (`20GB`, `15%` of the disk, `off`); else as
 * BuildKit bounds it by itself (cmd/buildkitd/config/gcpolicy_unix.go): 80% of the disk and 100 GB, a fifth of the disk
 * free, and a tenth of it or 10 GB in any case. Undefined where there is no limit.
 */
export function cacheLimits(env: NodeJS.ProcessEnv, { size }: Pick<DiskSpace, "size">): CacheLimits | BadLimit | undefined {
  const text = env["LAMINATE_CACHE_LIMIT"]?.trim() ?? "";
  if (text === "") return bounded(Math.min(0.8 * size, 100 * GB), { free: 0.2 * size, reserved: Math.min(0.1 * size, 10 * GB) });
  if (/^(off|none|unlimited)$/i.test(text)) return undefined;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const bytes = percent === undefined ? parseSize(text) : (Number(percent) / 100) * size;
  return bytes === undefined ? { problem: `LAMINATE_CACHE_LIMIT is ${JSON.stringify(text)}, which is neither a size (20GB), nor a part of the disk (15%), nor off` } : bounded(bytes, {});
}

function bounded(most: number, more: Omit<CacheLimits, "most" | "down">): CacheLimits {
  return { most: Math.floor(most), down: Math.floor(most * DOWN_TO), ...more };
}
