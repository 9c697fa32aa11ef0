import type { Removal } from "../api/collect-garbage.ts";
import type { CachePart } from "../api/cache-parts.ts";
import type { PrunePlan } from "../api/plan-prune.ts";
import { familiarReference, parseReference } from "../oci/reference.ts";
import { humanAge, humanSize, seconds, shortId } from "./format.ts";
import { printable } from "./printable.ts";

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

/** What a prune would do, a line for each thing: whether it goes, what it is, and why. */
export function planned({ containers, images, cache, bytes }: PrunePlan, now: number): string {
  const lines = [
    ...containers.map(({ subject: { id, record }, ...verdict }) => ({ ...verdict, what: `container ${shortId(id)}  ${record.name}` })),
    ...images.map(({ subject: { id, names }, ...verdict }) => ({ ...verdict, what: `image ${shortId(id)}  ${names.length === 0 ? "<none>" : names.map((name) => familiarReference(parseReference(name))).join(", ")}` })),
    ...cache.map(({ subject, ...verdict }) => ({ ...verdict, what: partText(subject, now) })),
  ].map(({ goes, what, why }) => `${goes ? "goes " : "stays"}  ${what}: ${why}\n`);
  return printable(`${lines.join("")}Would reclaim: ${humanSize(bytes, 4)}\n`);
}

/** A part of the cache: its ID, what it is, what it takes and what it saves. */
export function partText({ id, type, description, bytes, took, uses, used }: CachePart, now: number): string {
  const cost = took === undefined ? "" : `, ${seconds(took)} to make`;
  const often = uses === 1 ? "" : ` in ${uses} hours,`;
  return `${id}  ${description === "" ? "" : `${description.replaceAll(/\s+/g, " ")}  `}${type}, ${humanSize(bytes)}${cost}, used${often} last ${humanAge(used, now).toLowerCase()}`;
}
