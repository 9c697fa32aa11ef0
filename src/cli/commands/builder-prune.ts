import { defineCommand } from "../command.ts";
import { parseBytes } from "../parse-bytes.ts";

export const command = defineCommand({
  name: "builder prune",
  summary: "Remove build cache",
  usage: "[OPTIONS]",
  examples: ["laminate builder prune -f", "laminate builder prune -a --filter until=72h", "laminate builder prune -f --filter type=exec.cachemount", "laminate builder prune --max-used-space 10GB"],
  flags: {
    all: { kind: "boolean", short: "a", summary: "Remove also what images share: their layers stay, but the next build makes them again" },
    filter: { kind: "list", value: "KEY=VALUE", summary: "Only what was last used before until=24h, or of type=regular, source.http or exec.cachemount" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
    "keep-storage": { kind: "string", value: "BYTES", summary: "As --max-used-space; docker's older name" },
    "max-used-space": { kind: "string", value: "BYTES", summary: "Remove only until the cache takes no more than this (512MB, 10GB), the longest unused first" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, values) {
    const [{ pruneCache }, { parsePruneFilters }, { reclaimed, removedList }, { confirmed }, { open }] = await Promise.all([import("../../api/prune-cache.ts"), import("../../api/prune-filters.ts"), import("../pruned.ts"), import("../confirm.ts"), import("../open-laminate.ts")]);
    const filters = parsePruneFilters(values.filter, ["until", "type"], Date.now());
    const most = values["max-used-space"] ?? values["keep-storage"];
    const keep = most === undefined ? undefined : parseBytes(most, values["max-used-space"] === undefined ? "--keep-storage" : "--max-used-space");
    const all = values.all === true;
    if (values.force !== true && !(await confirmed(context, all ? "This will remove all build cache." : "This will remove all dangling build cache."))) return 0;
    await using laminate = await open(context);
    const { removed, bytes } = await pruneCache(laminate, { all, filters, ...(keep === undefined ? {} : { keep }) });
    context.stdout.write(removedList("Deleted build cache objects", removed) + reclaimed(bytes));
    return 0;
  },
});
