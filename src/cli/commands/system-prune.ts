import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "system prune",
  summary: "Remove unused data",
  usage: "[OPTIONS]",
  examples: ["laminate system prune", "laminate system prune -af --filter until=72h", "laminate system prune -a --dry-run"],
  flags: {
    all: { kind: "boolean", short: "a", summary: "Remove all images that no container uses and all build cache, not just what is dangling" },
    "dry-run": { kind: "boolean", summary: "Remove nothing; say of each container, image and part of the cache whether it would go, and why" },
    filter: { kind: "list", value: "KEY=VALUE", summary: "Only what was made (build cache: last used) before until=24h; label=KEY[=VALUE] for containers and images" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
    volumes: { kind: "boolean", summary: "Taken for docker's sake: anonymous volumes go with their container" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { all: every, "dry-run": dryRun, filter, force }) {
    const [{ planPrune }, { pruneContainers }, { pruneImages }, { pruneCache }, { parseCacheFilters }, { parsePruneFilters }, { planned, reclaimed, removalLine, removedList }, { confirmed }, { open }] = await Promise.all([
      import("../../api/plan-prune.ts"),
      import("../../api/prune-containers.ts"),
      import("../../api/prune-images.ts"),
      import("../../api/prune-cache.ts"),
      import("../../api/cache-filters.ts"),
      import("../../api/prune-filters.ts"),
      import("../pruned.ts"),
      import("../confirm.ts"),
      import("../open-laminate.ts"),
    ]);
    const all = every === true;
    const now = Date.now();
    const filters = parsePruneFilters(filter, ["until", "label"], now);
    const cacheOptions = { all, filters: parseCacheFilters(filter.filter((one) => one.startsWith("until=")), now) }; // the cache has no labels
    if (dryRun === true) {
      await using laminate = await open(context);
      context.stdout.write(planned(await planPrune(laminate, { containers: filters, images: { all, filters }, cache: cacheOptions }), now));
      return 0;
    }
    if (force !== true && !(await confirmed(context, warning(all, filter)))) return 0;
    await using laminate = await open(context);
    const containers = await pruneContainers(laminate, filters);
    const images = await pruneImages(laminate, { all, filters });
    const cache = await pruneCache(laminate, cacheOptions);
    context.stdout.write(
      [
        removedList("Deleted Containers", containers.removed),
        removedList("Deleted Images", images.removed.map(removalLine)),
        removedList("Deleted build cache objects", cache.verdicts.filter(({ goes }) => goes).map(({ subject }) => subject.id)),
        reclaimed(containers.bytes + images.bytes + cache.bytes),
      ].join(""),
    );
    return 0;
  },
});

function warning(all: boolean, filters: readonly string[]): string {
  const things = ["all stopped containers", ...(all ? ["all images without at least one container associated to them", "all build cache"] : ["all dangling images", "unused build cache"])];
  const chosen = filters.length === 0 ? "" : `\n  Items to be pruned will be filtered with:\n${filters.map((each) => `  - ${each}\n`).join("")}`;
  return `This will remove:\n${things.map((thing) => `  - ${thing}\n`).join("")}${chosen}`;
}
