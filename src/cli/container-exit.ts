import { ContainerError } from "../containers/container-error.ts";
import type { CommandContext } from "./command.ts";
import { firstError, report } from "./report.ts";

/** Prints why a container could not be run and gives docker's exit code: 125 for what is ours, 126 and 127 for the command (docker run, Exit status). */
export function containerExit(error: unknown, context: CommandContext): number {
  if (context.signal.aborted) throw error;
  report(error, context, false);
  const first = firstError(error);
  return first instanceof ContainerError ? first.exitCode : 125;
}
