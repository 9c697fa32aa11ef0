import { Failure } from "../base/failure.ts";

/** Bytes that are not the archive or compressed stream they should be. */
export class ArchiveError extends Failure {
  readonly code: "truncated" | "damaged" | "too-large" | "unsupported" | "size-mismatch" | "no-command";

  constructor(code: ArchiveError["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
