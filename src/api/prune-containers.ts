import { stateOf, type Container } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { removeContainer } from "../containers/remove-container.ts";
import { treeBytes } from "../store/collect/bytes.ts";
import type { WithSandbox } from "./collect-garbage.ts";
import { matchesLabels, type PruneFilters } from "./prune-filters.ts";
import type { Pruned } from "./prune-images.ts";

/** Removes all containers that ended. One that is just being created stays. */
export async function pruneContainers({ store, sandbox, env }: WithSandbox, { labels, before = Infinity }: PruneFilters): Promise<Pruned<string>> {
  const containers = new Containers(store.root);
  const removed: string[] = [];
  let bytes = 0;
  for (const container of containers.list()) {
    const { created, labels: own } = container.record;
    if (!hasEnded(container) || created >= before || !matchesLabels(own, labels)) continue;
    bytes += await treeBytes(container.directory);
    await removeContainer(container, containers, sandbox, env);
    removed.push(container.id);
  }
  return { removed, bytes };
}

function hasEnded(container: Container): boolean {
  const { status } = stateOf(container);
  return status === "exited" || status === "dead";
}
