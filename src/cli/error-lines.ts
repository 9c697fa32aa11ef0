import type { Failure } from "../base/failure.ts";

/** A failure of one of several things that were asked for, as docker says it; the others are done all the same. */
export function errorLines({ message, hint }: Failure): string {
  return `Error: ${message}\n${hint === undefined ? "" : `${hint}\n`}`;
}
