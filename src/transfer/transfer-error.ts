import { Failure } from "../base/failure.ts";

/** An image that a registry has cannot come into the store as it is, or none of it is for this machine. */
export class TransferFailure extends Failure {
  readonly code: "no-platform" | "bad-image" | "unsupported";

  constructor(code: TransferFailure["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
