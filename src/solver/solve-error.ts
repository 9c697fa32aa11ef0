import { Failure, reasonOf } from "../base/failure.ts";
import type { Vertex } from "../graph/vertex.ts";

/** A step failed; the cause is what the step threw. */
export class SolveError extends Failure {
  readonly code = "step-failed" as const;
  readonly vertex: Vertex;

  constructor(vertex: Vertex, cause: unknown) {
    const hint = cause instanceof Failure ? cause.hint : undefined;
    super(`failed to solve: ${reasonOf(cause)}`, { cause, ...(hint === undefined ? {} : { hint }) });
    this.vertex = vertex;
  }
}
