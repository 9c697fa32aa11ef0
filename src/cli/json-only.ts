import { UsageError } from "./usage-error.ts";

/** Checks a `--format` that may be json and nothing else. Throws UsageError. */
export function jsonOnly(format: string | undefined): void {
  if (format !== undefined && format !== "json") throw new UsageError("bad-value", `invalid argument "${format}" for "--format" flag: it is json or not given`);
}
