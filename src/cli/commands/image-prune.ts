import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "image prune",
  summary: "Remove unused images",
  usage: "[OPTIONS]",
  examples: ["laminate image prune -f", "laminate image prune -a --filter until=24h", "laminate image prune -a --dry-run"],
  flags: {
    all: { kind: "boolean", short: "a", summary: "Remove all images that no container uses, not just those without a name" },
    "dry-run": { kind: "boolean", summary: "Remove nothing; say of each image whether it would go, and why" },
    filter: { kind: "list", value: "KEY=VALUE", summary: "Only images with until=24h (made before that), label=KEY[=VALUE], label!=KEY[=VALUE] or dangling=true" },
    force: { kind: "boolean", short: "f", summary: "Do not ask" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, { all: every, "dry-run": dryRun, filter, force }) {
    const [{ planPrune }, { pruneImages }, { parsePruneFilters }, { planned, reclaimed, removalLine, removedList }, { confirmed }, { open }] = await Promise.all([import("../../api/plan-prune.ts"), import("../../api/prune-images.ts"), import("../../api/prune-filters.ts"), import("../pruned.ts"), import("../confirm.ts"), import("../open-laminate.ts")]);
    const filters = parsePruneFilters(filter, ["until", "label", "dangling"], Date.now());
    const all = every === true || filters.dangling === false;
    if (dryRun === true) {
      await using laminate = await open(context);
      context.stdout.write(planned(await planPrune(laminate, { images: { all, filters } }), Date.now()));
      return 0;
    }
    const warning = all ? "This will remove all images without at least one container associated to them." : "This will remove all dangling images.";
    if (force !== true && !(await confirmed(context, warning))) return 0;
    await using laminate = await open(context);
    const { removed, bytes } = await pruneImages(laminate, { all, filters });
    context.stdout.write(removedList("Deleted Images", removed.map(removalLine)) + reclaimed(bytes));
    return 0;
  },
});
