import type { CacheLimits } from "../../api/choose-parts.ts";
import { defineCommand } from "../command.ts";
import { parseBytes } from "../parse-bytes.ts";

export const command = defineCommand({
  name: "builder prune",
  summary: "Remove build cache",
  usage: "[OPTIONS]",
  examples: [
    "laminate builder prune -f",
    "laminate builder prune -a --filter until=72h",
    "laminate builder prune -f --filter type=exec.cachemount",
    "laminate builder prune --filter 'description~=npm ci' --filter private",
    "laminate builder prune --max-used-space 10GB --min-free-space 20GB",
    "laminate builder prune --dry-run --all",
  ],
  flags: {
    all: { kind: "boolean", short: "a", summary: "Remove also what images share: their layers stay, but the next build makes them again" },
    filter: { kind: "list", value: "KEY=VALUE", summary: "Only what was last used before until=24h; of type=regular, source.http or exec.cachemount; id=, description=, inuse, shared, private, mutable, immutable; also KEY!=VALUE and KEY~=EXPRESSION" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
    "dry-run": { kind: "boolean", summary: "Remove nothing; say of each part of the cache whether it would go, and why" },
    "keep-storage": { kind: "string", value: "BYTES", summary: "As --reserved-space; docker's older name" },
    "max-used-space": { kind: "string", value: "BYTES", summary: "Remove only until the cache takes no more than this (512MB, 10GB), first what saves least work for its size" },
    "min-free-space": { kind: "string", value: "BYTES", summary: "Remove only until so much of the disk is free" },
    "reserved-space": { kind: "string", value: "BYTES", summary: "So much of the cache stays in any case" },
    verbose: { kind: "boolean", summary: "Say of each part that goes what it was, and why it went" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, values) {
    const [{ planPrune }, { pruneCache }, { parseCacheFilters }, { partText, planned, reclaimed, removedList }, { confirmed }, { open }] = await Promise.all([
      import("../../api/plan-prune.ts"),
      import("../../api/prune-cache.ts"),
      import("../../api/cache-filters.ts"),
      import("../pruned.ts"),
      import("../confirm.ts"),
      import("../open-laminate.ts"),
    ]);
    const now = Date.now();
    const filters = parseCacheFilters(values.filter, now);
    const limits = limitsOf(values);
    const all = values.all === true;
    const options = { all, filters, ...(limits === undefined ? {} : { limits }) };
    if (values["dry-run"] === true) {
      await using laminate = await open(context);
      context.stdout.write(planned(await planPrune(laminate, { cache: options }), now));
      return 0;
    }
    if (values.force !== true && !(await confirmed(context, all ? "This will remove all build cache." : "This will remove all dangling build cache."))) return 0;
    await using laminate = await open(context);
    const { verdicts, bytes } = await pruneCache(laminate, options);
    const gone = verdicts.filter(({ goes }) => goes).map(({ subject, why }) => (values.verbose === true ? `${partText(subject, now)}: ${why}` : subject.id));
    context.stdout.write(removedList("Deleted build cache objects", gone) + reclaimed(bytes));
    return 0;
  },
});

type LimitFlag = "keep-storage" | "max-used-space" | "min-free-space" | "reserved-space";

function limitsOf(values: { readonly [flag in LimitFlag]?: string | undefined }): CacheLimits | undefined {
  const bytes = (flag: LimitFlag): number | undefined => (values[flag] === undefined ? undefined : parseBytes(values[flag], `--${flag}`));
  const [most, free, reserved] = [bytes("max-used-space"), bytes("min-free-space"), bytes("reserved-space") ?? bytes("keep-storage")];
  if (most === undefined && free === undefined && reserved === undefined) return undefined;
  return { ...(most === undefined ? {} : { most }), ...(free === undefined ? {} : { free }), ...(reserved === undefined ? {} : { reserved }) };
}
