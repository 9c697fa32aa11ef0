import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "container prune",
  summary: "Remove all stopped containers",
  usage: "[OPTIONS]",
  examples: ["laminate container prune -f", "laminate container prune --filter until=24h"],
  flags: {
    filter: { kind: "list", value: "KEY=VALUE", summary: "Only containers with until=24h (made before that), label=KEY[=VALUE] or label!=KEY[=VALUE]" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { filter, force }) {
    const [{ pruneContainers }, { parsePruneFilters }, { reclaimed, removedList }, { confirmed }, { open }] = await Promise.all([import("../../api/prune-containers.ts"), import("../../api/prune-filters.ts"), import("../pruned.ts"), import("../confirm.ts"), import("../open-laminate.ts")]);
    const filters = parsePruneFilters(filter, ["until", "label"], Date.now());
    if (force !== true && !(await confirmed(context, "This will remove all stopped containers."))) return 0;
    await using laminate = await open(context);
    const { removed, bytes } = await pruneContainers(laminate, filters);
    context.stdout.write(removedList("Deleted Containers", removed) + reclaimed(bytes));
    return 0;
  },
});
