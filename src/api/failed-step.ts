import { Failure } from "../base/failure.ts";
import type { Origin } from "../graph/operation.ts";
import type { SolveError } from "../solver/solve-error.ts";

/** A step of a build failed. Its cause is the step's own error. */
export class FailedStep extends Failure {
  readonly code = "step-failed" as const;
  /** Where the step stands in the Dockerfile. */
  readonly origin: Origin | undefined;
  /** The whole Dockerfile. */
  readonly dockerfile: string;

  constructor(error: SolveError, dockerfile: string) {
    super(error.message, { cause: error.cause, ...(error.hint === undefined ? {} : { hint: error.hint }) });
    this.origin = error.vertex.origin;
    this.dockerfile = dockerfile;
  }
}
