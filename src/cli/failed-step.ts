import { FailedStep } from "../api/failed-step.ts";
import { SourceError } from "../diagnostics/source-error.ts";
import { printable } from "./printable.ts";
import { sourceExcerpt } from "./render/source-excerpt.ts";
import { firstError } from "./report.ts";

/** Prints a failed step's place in the Dockerfile and its error as docker does; false when the error is not a step's. */
export function reportFailedStep(thrown: unknown, stderr: NodeJS.WriteStream): boolean {
  const error = firstError(thrown);
  if (!(error instanceof FailedStep)) return false;
  const { origin, dockerfile } = error;
  const showsItself = error.cause instanceof SourceError;
  const excerpt = origin === undefined || showsItself ? "" : sourceExcerpt(origin.file, dockerfile, origin.line, origin.endLine);
  const hint = error.hint === undefined ? "" : `${printable(error.hint)}\n`;
  stderr.write(`${excerpt}ERROR: ${printable(error.message)}\n${hint}`);
  return true;
}
