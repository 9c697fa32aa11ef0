import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { SourceError } from "../diagnostics/source-error.ts";
import type { Origin } from "../graph/operation.ts";
import { SolveError } from "../solver/solve-error.ts";
import { printable } from "./printable.ts";
import { sourceExcerpt } from "./render/source-excerpt.ts";
import { firstError } from "./report.ts";

export interface FailedBuild {
  readonly context: string;
  readonly file?: string;
  readonly cwd: string;
  readonly stderr: NodeJS.WriteStream;
}

/** Prints a failed step's place in the Dockerfile and its error as docker does; false when the error is not a step's. */
export function reportFailedStep(thrown: unknown, build: FailedBuild): boolean {
  const error = firstError(thrown);
  if (!(error instanceof SolveError)) return false;
  const { origin } = error.vertex;
  const showsItself = error.cause instanceof SourceError;
  const excerpt = origin === undefined || showsItself ? "" : excerptOf(origin, build);
  const hint = error.hint === undefined ? "" : `${printable(error.hint)}\n`;
  build.stderr.write(`${excerpt}ERROR: ${printable(error.message)}\n${hint}`);
  return true;
}

/** From the local Dockerfile; one that came through standard input or a URL is not read twice, only named. */
function excerptOf({ file, line, endLine }: Origin, build: FailedBuild): string {
  try {
    const text = readFileSync(dockerfilePath(build, file), "utf8");
    return sourceExcerpt(file, text, line, endLine);
  } catch {
    return `${printable(file)}:${line}\n`;
  }
}

function dockerfilePath({ context, file, cwd }: FailedBuild, name: string): string {
  return file === undefined ? join(resolve(cwd, context), name) : resolve(cwd, file);
}
