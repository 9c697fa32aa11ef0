import { errnoOf, Failure, reasonOf } from "../base/failure.ts";
import { Interrupted } from "./interrupted.ts";
import { printable } from "./printable.ts";
import type { World } from "./run-command.ts";
import { UsageError } from "./usage-error.ts";

/** Prints an error with its hint and returns the exit code that goes with it. */
export function report(error: unknown, { signal, stderr }: Pick<World, "signal" | "stderr">, debug: boolean): number {
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  if (reason instanceof Interrupted) {
    if (reason.signalName !== "SIGPIPE") stderr.write("laminate: interrupted\n");
    return reason.exitCode;
  }
  const first = firstError(error);
  const hint = first instanceof Failure ? first.hint : hintFor(first);
  stderr.write(`laminate: ${printable(reasonOf(first))}\n${hint === undefined ? "" : `${printable(hint)}\n`}`);
  if (debug) stderr.write(`${trace(error)}\n`);
  return first instanceof UsageError ? first.exitCode : 1;
}

/** What went wrong first, where releasing something after it went wrong too (`await using`). */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error;
}

/** What to do about an error that no room expected. */
function hintFor(error: unknown): string | undefined {
  switch (errnoOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return "The disk is full: make room, or keep Laminate's data elsewhere with --root DIR";
    case "EROFS":
      return "The file system is read-only: keep Laminate's data elsewhere with --root DIR";
    case undefined:
      return "This is a mistake in Laminate: please report it with what the same command prints with --debug";
    default:
      return undefined;
  }
}

/** The stacks of an error and its causes. */
function trace(error: unknown): string {
  const stacks: string[] = [];
  for (let each = error; each instanceof Error; each = each instanceof SuppressedError ? each.suppressed : each.cause) stacks.push(each.stack ?? each.message);
  return printable(stacks.join("\ncaused by: "));
}
