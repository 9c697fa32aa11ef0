import { Failure } from "../base/failure.ts";

/** What the store, or something put into it, may do wrong. */
export class StoreFailure extends Failure {
  readonly code: "newer-layout" | "not-a-store" | "read-only" | "no-such-blob" | "no-such-layer" | "no-such-image" | "mismatch" | "too-large" | "bad-layer" | "bad-image" | "reserved-name";

  constructor(code: StoreFailure["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
