import { SourceError, type SourceErrorOptions } from "../diagnostics/source-error.ts";
import type { Range, SourceText } from "../diagnostics/source-text.ts";

export type DockerfileErrorCode =
  | "syntax"
  | "unknown-instruction"
  | "unknown-flag"
  /** Right in Docker, not there yet in Laminate. */
  | "unsupported"
  | "bad-argument"
  /** Right, but only with `--allow`. */
  | "not-allowed"
  | "bad-substitution"
  | "unknown-stage"
  | "stage-order"
  | "bad-base";

/** A mistake in a Dockerfile. */
export class DockerfileError extends SourceError {
  readonly code: DockerfileErrorCode;

  constructor(
    code: DockerfileErrorCode,
    source: SourceText,
    range: Range,
    problem: string,
    options: SourceErrorOptions = {},
  ) {
    super(source, range, problem, options);
    this.code = code;
  }
}
