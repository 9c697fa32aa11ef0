import type { Graph, VertexId } from "./vertex.ts";

/** The vertices whose trees a RUN stands on or mounts, directly or through the steps between. */
export function seenByCommands({ vertices }: Graph): ReadonlySet<VertexId> {
  const seen = new Set<VertexId>();
  // Inputs have lower ids: who stands on a vertex is known before it is looked at itself.
  for (const { id, operation, inputs } of vertices.toReversed()) {
    if (operation.kind === "run") for (const input of inputs) seen.add(input);
    else if (seen.has(id) && inputs[0] !== undefined) seen.add(inputs[0]);
  }
  return seen;
}
