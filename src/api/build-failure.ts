import { Failure } from "../base/failure.ts";

/** The build cannot begin as it was asked for. */
export class BuildFailure extends Failure {
  readonly code: "bad-platform" | "bad-file" | "bad-context" | "bad-epoch" | "bad-frontend" | "checks";

  constructor(code: BuildFailure["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
