import { Failure } from "../base/failure.ts";

export type ExecuteErrorCode = "not-found" | "outside-context" | "not-a-directory" | "is-a-directory" | "bad-owner" | "command-failed" | "bad-archive" | "download-failed" | "bad-context";

/** A step of the build cannot be done. */
export class ExecuteError extends Failure {
  readonly code: ExecuteErrorCode;
  /** The process's exit code where a command failed. */
  readonly exitCode: number | undefined;

  constructor(code: ExecuteErrorCode, message: string, options: { cause?: unknown; hint?: string; exitCode?: number } = {}) {
    super(message, options);
    this.code = code;
    this.exitCode = options.exitCode;
  }
}
