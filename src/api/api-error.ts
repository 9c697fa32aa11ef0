import { Failure } from "../base/failure.ts";

/** A request that cannot be met as it stands. */
export class RequestFailure extends Failure {
  readonly code: "bad-filter" | "bad-secret" | "bad-agent" | "bad-change" | "conflict" | "no-such-object" | "bad-name" | "interactive" | "no-cgroups";

  constructor(code: RequestFailure["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
