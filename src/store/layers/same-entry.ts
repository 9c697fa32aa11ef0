import type { Entry } from "./entry.ts";

/** What few entries have. */
export type More = Pick<Entry, "link" | "opaque" | "major" | "minor" | "xattrs">;

/** Whether two entries of one path say the same but for times: what {@link layerIdentity} says of them. Where their contents lie does not count. */
export function sameFacts(a: Entry, b: Entry): boolean {
  return a.digest === b.digest && a.size === b.size && a.type === b.type && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && sameMore(a, b);
}

export function sameMore(a: More | undefined, b: More | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.link === b.link && a.opaque === b.opaque && a.major === b.major && a.minor === b.minor && sameXattrs(a.xattrs, b.xattrs);
}

function sameXattrs(a: Entry["xattrs"], b: Entry["xattrs"]): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.size === b.size && [...a].every(([name, value]) => b.get(name)?.equals(value) === true);
}
