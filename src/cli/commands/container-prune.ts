import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "container prune",
  summary: "Remove all stopped containers",
  usage: "[OPTIONS]",
  examples: ["laminate container prune -f", "laminate container prune --filter until=24h", "laminate container prune --dry-run"],
  flags: {
    "dry-run": { kind: "boolean", summary: "Remove nothing; say of each container whether it would go, and why" },
    filter: { kind: "list", value: "KEY=VALUE", summary: "Only containers with until=24h (made before that), label=KEY[=VALUE] or label!=KEY[=VALUE]" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { "dry-run": dryRun, filter, force }) {
    const [{ planPrune }, { pruneContainers }, { parsePruneFilters }, { planned, reclaimed, removedList }, { confirmed }, { open }] = await Promise.all([import("../../api/plan-prune.ts"), import("../../api/prune-containers.ts"), import("../../api/prune-filters.ts"), import("../pruned.ts"), import("../confirm.ts"), import("../open-laminate.ts")]);
    const filters = parsePruneFilters(filter, ["until", "label"], Date.now());
    if (dryRun === true) {
      await using laminate = await open(context);
      context.stdout.write(planned(await planPrune(laminate, { containers: filters }), Date.now()));
      return 0;
    }
    if (force !== true && !(await confirmed(context, "This will remove all stopped containers."))) return 0;
    await using laminate = await open(context);
    const { removed, bytes } = await pruneContainers(laminate, filters);
    context.stdout.write(removedList("Deleted Containers", removed) + reclaimed(bytes));
    return 0;
  },
});
