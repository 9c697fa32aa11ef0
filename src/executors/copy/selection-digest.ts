import { createHash } from "node:crypto";
import { canonicalJson } from "../../base/canonical-json.ts";
import { pathText } from "../../base/byte-path.ts";
import { digestFromHex, type Digest } from "../../oci/digest.ts";
import type { FileSource, SourceEntry } from "../value.ts";
import type { Selection } from "./select.ts";

/** What a COPY takes from its source: one digest over all, and each file's own for saying what changed. */
export interface SelectionDigest {
  readonly digest: Digest;
  /** Path as text → the digest of its content and mode, or what else it is. */
  readonly files: { readonly [path: string]: string };
}

/** Files hashed at the same time: the disk's, not ours, to order. */
const HASHED_AT_ONCE = 8;

/** Digests what was chosen, names, types, modes, links and contents, but no times: a touched file is the same file. */
export async function selectionDigest(source: FileSource, selections: readonly Selection[]): Promise<SelectionDigest> {
  const lines: { readonly path: string; readonly found: SourceEntry; readonly as: string }[] = [];
  for (const { chosen } of selections) {
    for (const { name, source: found } of chosen) {
      const top = found.entry.path;
      for (const each of walk(source, found)) {
        lines.push({ path: each.entry.path, found: each, as: `${found.entry.type === "directory" ? "" : name}${each.entry.path.slice(top.length)}` });
      }
    }
  }
  const digests = await inTurns(lines, HASHED_AT_ONCE, async ({ found }) => (found.entry.type === "file" ? source.digest(found.entry) : undefined));
  const firstNames = namesOfInodes(lines);
  const hash = createHash("sha256");
  const files: { [path: string]: string } = {};
  for (const [place, { path, found, as }] of lines.entries()) {
    const { type, mode, uid, gid, link, major, minor } = found.entry;
    const digest = digests[place];
    hash.update(canonicalJson({ as, type, mode, uid, gid, link, major, minor, digest, inode: found.inode === undefined ? undefined : firstNames.get(found.inode) }));
    hash.update("\n");
    if (type !== "directory") {
      files[pathText(path)] = `${mode.toString(8)} ${digest ?? `${type} ${link ?? ""}`}`;
    }
  }
  return { digest: digestFromHex(hash.digest("hex")), files };
}

function* walk(source: FileSource, found: SourceEntry): Iterable<SourceEntry> {
  yield found;
  if (found.entry.type === "directory") {
    for (const child of source.children(found.entry.path)) {
      yield* walk(source, child);
    }
  }
}

/** Hard links are told by the first name of their file; an inode's number is this machine's business. */
function namesOfInodes(lines: readonly { readonly found: SourceEntry; readonly as: string }[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { found, as } of lines) {
    if (found.inode !== undefined && !names.has(found.inode)) {
      names.set(found.inode, as);
    }
  }
  return names;
}

async function inTurns<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const place = next;
      next += 1;
      results[place] = await work(items[place]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}
