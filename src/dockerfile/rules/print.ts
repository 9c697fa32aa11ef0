import { describe } from "../../diagnostics/source-error.ts";
import type { SourceText } from "../../diagnostics/source-text.ts";
import type { Checked } from "./check.ts";

/** A finding as a compiler prints it: place, message and rule, the line with marks, the second place, and whether it can be mended. */
export function printFinding(
  source: SourceText,
  { rule, message, range, related, fix }: Checked,
): string {
  const second = related === undefined ? [] : [describe(source, related.range, related.message)];
  const help = fix === undefined ? [] : [`  --fix: ${fix.summary}`];
  return [describe(source, range, `${message} [${rule.name}]`), ...second, ...help].join("\n");
}
