import { Failure } from "../base/failure.ts";

export type UsageErrorCode = "unknown-command" | "unknown-flag" | "missing-value" | "bad-value" | "arguments" | "conflict";

/** The command line itself is wrong. */
export class UsageError extends Failure {
  readonly code: UsageErrorCode;

  constructor(code: UsageErrorCode, message: string, options: { readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }

  /** As docker: 125 for what is wrong with a flag, 1 for a wrong command or number of arguments. */
  get exitCode(): number {
    return this.code === "unknown-command" || this.code === "arguments" ? 1 : 125;
  }
}
