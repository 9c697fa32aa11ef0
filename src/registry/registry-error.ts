import { Failure } from "../base/failure.ts";

export type RegistryFailureCode =
  | "unreachable"
  | "timeout"
  | "bad-certificate"
  | "plain-http"
  | "cut"
  | "unauthorized"
  | "denied"
  | "not-found"
  | "rate-limited"
  | "too-large"
  | "server-error"
  | "bad-response"
  | "redirects"
  | "digest-mismatch"
  | "size-mismatch"
  | "credentials";

export interface RegistryFailureOptions {
  readonly cause?: unknown;
  readonly hint?: string;
  /** The HTTP status that was answered. */
  readonly status?: number;
  /** The first error code of the answer (distribution-spec, Error Codes): `MANIFEST_UNKNOWN`. */
  readonly reason?: string;
  /** What the registry said, as docker writes it: `denied: requested access to the resource is denied`. */
  readonly said?: string;
  /** Whether the same request may succeed a moment later. */
  readonly transient?: boolean;
  /** Milliseconds that the registry asks us to wait. */
  readonly retryAfter?: number;
}

/** A registry, the way to it or the credentials for it did not do what was asked. */
export class RegistryFailure extends Failure {
  readonly code: RegistryFailureCode;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly said: string | undefined;
  readonly transient: boolean;
  readonly retryAfter: number | undefined;

  constructor(code: RegistryFailureCode, message: string, options: RegistryFailureOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
    this.reason = options.reason;
    this.said = options.said;
    this.transient = options.transient === true;
    this.retryAfter = options.retryAfter;
  }
}
