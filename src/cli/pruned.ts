import type { Removal } from "../api/collect-garbage.ts";
import { humanSize } from "./format.ts";

/** What a prune removed, under a heading; nothing where it removed nothing. */
export function removedList(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${heading}:\n${lines.map((line) => `${line}\n`).join("")}\n`;
}

/** As docker's prune commands write it, in small letters. */
export function removalLine(removal: Removal): string {
  return "untagged" in removal ? `untagged: ${removal.untagged}` : `deleted: ${removal.deleted}`;
}

export function reclaimed(bytes: number): string {
  return `Total reclaimed space: ${humanSize(bytes, 4)}\n`;
}
