import { Failure } from "../base/failure.ts";

export type StoreFailureCode =
  | "newer-layout"
  | "read-only"
  | "disk-full"
  | "no-such-image"
  | "ambiguous-id"
  | "not-found"
  | "collected"
  | "damaged"
  | "unsafe-tar"
  | "digest-mismatch"
  | "size-mismatch"
  | "too-large"
  | "unmapped-id";

/** The store cannot do what was asked, or what came from outside must not go into it. */
export class StoreFailure extends Failure {
  readonly code: StoreFailureCode;

  constructor(code: StoreFailureCode, message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
