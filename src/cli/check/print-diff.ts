import { unifiedDiff } from "./unified-diff.ts";
import { printable } from "../printable.ts";

/** Shows how a file would be changed: exact for `patch`, harmless for a terminal. */
export function printDiff(stdout: NodeJS.WriteStream, before: string, after: string, name: string): void {
  const diff = unifiedDiff(before, after, name);
  stdout.write(stdout.isTTY ? printable(diff) : diff);
}
