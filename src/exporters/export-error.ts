import { Failure } from "../base/failure.ts";

/** An image that could not be written to an archive or read from one. */
export class ArchiveFailure extends Failure {
  readonly code: "not-an-image" | "wrong-digest" | "missing-member" | "unsupported" | "in-the-way";

  constructor(code: ArchiveFailure["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
