import { nearest } from "../base/nearest.ts";
import type { Lowered } from "../dockerfile/lower/result.ts";
import type { EventSink } from "../events/build-event.ts";

/** The stages of --no-cache-filter as vertices name them; a name that no stage has is said. */
export function uncachedStages(wanted: readonly string[] = [], { graph, stages }: Lowered, events: EventSink): ReadonlySet<string> {
  const names = wanted.map((name) => name.toLowerCase().replace(/^stage-(\d+)$/, "$1"));
  const known = new Set([...stages, ...graph.vertices.flatMap(({ stage }) => stage ?? [])]);
  for (const name of names.filter((one) => !known.has(one))) {
    const near = nearest(name, stages);
    events({ type: "warning", message: `--no-cache-filter: there is no stage ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`, time: Date.now() });
  }
  return new Set(names);
}
