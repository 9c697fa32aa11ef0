import { stateOf, type Container } from "../containers/container.ts";
import { Containers } from "../containers/containers.ts";
import { removeContainer } from "../containers/remove-container.ts";
import { treeBytes } from "../store/collect/bytes.ts";
import type { WithSandbox } from "./collect-garbage.ts";
import type { Verdict } from "./verdict.ts";
import { matchesLabels, type PruneFilters } from "./prune-filters.ts";
import type { Pruned } from "./prune-images.ts";

/** Removes all containers that ended. One that is just being created stays. */
export async function pruneContainers({ store, sandbox, env }: WithSandbox, filters: PruneFilters): Promise<Pruned<string>> {
  const containers = new Containers(store.root);
  const removed: string[] = [];
  let bytes = 0;
  for (const { subject: container, goes } of chooseContainers(containers.list(), filters)) {
    if (!goes) continue;
    bytes += treeBytes(container.directory);
    await removeContainer(container, containers, sandbox, env);
    removed.push(container.id);
  }
  return { removed, bytes };
}

/** Which containers a prune removes, and why. */
export function chooseContainers(containers: readonly Container[], { labels, before = Infinity }: PruneFilters): Verdict<Container>[] {
  return containers.map((subject) => {
    const { status } = stateOf(subject);
    if (status !== "exited" && status !== "dead") return { subject, goes: false, why: `it is ${status}` };
    if (subject.record.created >= before) return { subject, goes: false, why: "made since --filter until" };
    return matchesLabels(subject.record.labels, labels) ? { subject, goes: true, why: "it has ended" } : { subject, goes: false, why: "not of --filter label" };
  });
}
