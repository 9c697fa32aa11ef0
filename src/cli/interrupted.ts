import { Failure } from "../base/failure.ts";

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const;

/** Why the command's signal is aborted: someone sent us a signal, or nobody reads our output any more. */
export class Interrupted extends Failure {
  readonly code = "interrupted" as const;
  readonly signalName: keyof typeof EXIT_CODES;

  constructor(signalName: keyof typeof EXIT_CODES) {
    super("interrupted");
    this.signalName = signalName;
  }

  /** What a shell reports for a process that died of the signal. */
  get exitCode(): number {
    return EXIT_CODES[this.signalName];
  }
}
