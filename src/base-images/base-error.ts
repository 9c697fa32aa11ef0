import { Failure } from "../base/failure.ts";

/** A base image that could not be made from the distribution's packages. */
export class BaseImageFailure extends Failure {
  readonly code: "unknown-distribution" | "unknown-suite" | "missing-command" | "bootstrap-failed";

  constructor(code: BaseImageFailure["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
