import { Failure } from "../base/failure.ts";

/** What a container, its name or its options did not allow. */
export class ContainerError extends Failure {
  readonly code:
    | "no-such-container"
    | "ambiguous-id"
    | "name-in-use"
    | "bad-name"
    | "bad-option"
    | "not-running"
    | "running"
    | "monitor-lost"
    | "no-cgroups"
    | "no-log"
    | "bad-platform"
    | "no-command"
    | "no-conmon"
    | "no-init"
    | "no-such-path"
    | "port-taken"
    | "port-refused"
    | "no-such-port"
    | "cannot-start"
    | "cannot-execute"
    | "not-found"
    | "does-not-stop"
    | "copy-failed";

  constructor(code: ContainerError["code"], message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
  }

  /** What `run` and `exec` end with, as docker: 126 and 127 as a shell's, 125 for all else that is ours. */
  get exitCode(): number {
    return failureExitCode(this.code);
  }
}

/** The exit code that goes with a code of {@link ContainerError}. */
export function failureExitCode(code: string): number {
  return code === "cannot-execute" ? 126 : code === "not-found" ? 127 : 125;
}
