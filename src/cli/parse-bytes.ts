import { parseSize } from "../base/parse-size.ts";
import { UsageError } from "./usage-error.ts";

/** Bytes of a flag. Throws UsageError. */
export function parseBytes(text: string, flag: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) {
    throw new UsageError("bad-value", `invalid argument "${text}" for "${flag}" flag: invalid size: '${text}'`, { hint: "as in 512MB or 10GB" });
  }
  return bytes;
}
