import { Failure } from "../base/failure.ts";

/** What the machine or the step did not allow the sandbox to do. */
export class SandboxError extends Failure {
  readonly code:
    | "no-unshare"
    | "no-newuidmap"
    | "no-subordinate-ids"
    | "namespaces-forbidden"
    | "no-runtime"
    | "runtime-failed"
    | "no-such-user"
    | "no-such-group"
    | "unsafe-path"
    | "mount-failed"
    | "no-images"
    | "bad-setting"
    | "network-failed"
    | "port-taken"
    | "port-refused"
    | "step-failed"
    | "worker-died";

  constructor(code: SandboxError["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }
}
