import type { Operation, Origin } from "./operation.ts";

export type VertexId = number;

/** A node of the build graph. Its id is its place in {@link Graph.vertices}; inputs always have lower ids, so there is no cycle. */
export interface Vertex {
  readonly id: VertexId;
  readonly operation: Operation;
  readonly inputs: readonly VertexId[];
  /** What the screen shows: `[build 2/5] RUN npm ci`. */
  readonly name: string;
  /** The stage's name or number; undefined for what no stage owns (contexts). */
  readonly stage?: string;
  readonly origin?: Origin;
}

/** A build as immutable data: only vertices that the target needs. */
export interface Graph {
  readonly vertices: readonly Vertex[];
  readonly target: VertexId;
}
