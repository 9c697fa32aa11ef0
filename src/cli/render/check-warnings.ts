import type { BuildEvent } from "../../events/build-event.ts";
import { printable } from "../printable.ts";

export type CheckEvent = Extract<BuildEvent, { readonly type: "check" }>;

/** What the build checks found, as docker says it at a build's end: a heading, and a line each. */
export function checkWarnings(found: readonly CheckEvent[]): { readonly heading: string; readonly lines: readonly string[] } | undefined {
  if (found.length === 0) return undefined;
  const heading = ` ${found.length} warning${found.length === 1 ? "" : "s"} found (use laminate check to expand):`;
  return { heading, lines: found.map(({ rule, message, line }) => ` - ${rule}: ${printable(message)} (line ${line})`) };
}
