import type { Descriptor } from "./descriptor.ts";
import { formatPlatform, parsePlatform, type Platform } from "./platform.ts";

/**
 * Of an index's entries the one that runs best on a platform; undefined where none does. Entries without a platform
 * and those of `unknown/unknown`, which are attestations, are never chosen.
 */
export function choosePlatform(entries: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const known = entries.flatMap((entry) => {
    const own = entry.platform === undefined ? undefined : parsePlatform(formatPlatform(entry.platform));
    return own === undefined ? [] : [{ entry, text: formatPlatform(own) }];
  });
  for (const text of compatible(wanted).map(formatPlatform)) {
    const found = known.find((each) => each.text === text);
    if (found !== undefined) return found.entry;
  }
  return undefined;
}

/** Whether something made for one platform runs on another. */
export function runsOn(own: Platform, wanted: Platform): boolean {
  return compatible(wanted).some((platform) => formatPlatform(platform) === formatPlatform(own));
}

/** What runs on a platform, the best first: itself, older variants, and what it runs besides (containerd, platforms/compare.go). */
function compatible(platform: Platform): readonly Platform[] {
  const { os, architecture } = platform;
  const version = Number(/^v(\d+)$/.exec(platform.variant ?? "")?.[1] ?? Number.NaN);
  const down = (from: number, to: number, of: string): Platform[] => Array.from({ length: Math.max(0, from - to + 1) }, (_, index) => normal({ os, architecture: of, variant: `v${from - index}` }));
  switch (architecture) {
    case "amd64":
      return platform.variant !== undefined && Number.isNaN(version) ? [platform] : [...down(Number.isNaN(version) ? 1 : version, 1, "amd64"), { os, architecture: "386" }];
    case "arm":
      return Number.isNaN(version) ? [platform] : down(version, 5, "arm");
    case "arm64":
      return platform.variant !== undefined && Number.isNaN(version) ? [platform] : [...down(Number.isNaN(version) ? 8 : version, 8, "arm64"), ...down(8, 5, "arm")];
    default:
      return [platform];
  }
}

function normal(platform: Platform): Platform {
  return parsePlatform(formatPlatform(platform)) ?? platform;
}
