import { tarEnd, tarHeader, tarPadding } from "../../archive/write-tar.ts";
import { paddingAfter } from "../../archive/tar-header.ts";
import { headersOf } from "../layer-tar.ts";
import type { Entry } from "./entry.ts";
import type { LayerIndex } from "./layer-index.ts";
import type { Located } from "./located.ts";
import { sameEntry } from "./same-entry.ts";
import type { StoredTar } from "./stored-tar.ts";

/** An entry of a layer to be made, with the place of a file's content. */
export interface LocatedEntry {
  readonly entry: Entry;
  readonly located?: Located;
}

/** What a tar is composed of, in order. */
export type Piece =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  /** A file's content, with what its sha256 should be where that is known. */
  | { readonly kind: "content"; readonly located: Located; readonly entry: Entry }
  /** A stretch of a tar that is in the store, members whole. */
  | { readonly kind: "reuse"; readonly from: number; readonly to: number };

/** A layer in the store whose members a new one may share. */
export interface EarlierLayer {
  readonly index: LayerIndex;
  readonly tar: StoredTar;
}

export interface LayerPieces {
  readonly pieces: Iterable<Piece>;
  /** The entries with the offsets of their contents; complete when `pieces` has been walked. */
  readonly entries: readonly Entry[];
  /** Bytes of the tar, once `pieces` has been walked. */
  size(): number;
}

/**
 * The tar of a layer as pieces, entries in the order given. Members that stand in the same way in an earlier layer that
 * was composed here too are taken from its tar, header and all, which gives the same bytes.
 */
export function layerPieces(located: readonly LocatedEntry[], earlier?: EarlierLayer): LayerPieces {
  const walked: Walked = { entries: [], size: 0 };
  return { pieces: piecesOf(located, earlier === undefined ? undefined : membersOf(earlier.index), walked), entries: walked.entries, size: () => walked.size };
}

/** What a walk over the pieces has come to. */
interface Walked {
  readonly entries: Entry[];
  size: number;
}

function* piecesOf(located: readonly LocatedEntry[], members: MemberWalk | undefined, walked: Walked): Generator<Piece> {
  const { entries } = walked;
  let position = 0;
  let reused: { from: number; to: number } | undefined;
  for (const { entry, located: place } of located) {
    const member = members?.(entry);
    if (member !== undefined) {
      if (reused?.to === member.from) {
        reused.to = member.to;
      } else {
        if (reused !== undefined) yield { kind: "reuse", ...reused };
        reused = { from: member.from, to: member.to };
      }
      entries.push(member.entry.offset === undefined ? entry : { ...entry, offset: position + member.entry.offset - member.from });
      position += member.to - member.from;
      continue;
    }
    if (reused !== undefined) yield { kind: "reuse", ...reused };
    reused = undefined;
    const [header, ...markers] = headersOf(entry).map(tarHeader);
    yield { kind: "bytes", bytes: header! };
    position += header!.length;
    entries.push(entry.type === "file" ? { ...entry, offset: position } : entry);
    if (entry.type === "file" && entry.size > 0) {
      yield { kind: "content", located: place!, entry };
      yield { kind: "bytes", bytes: tarPadding(entry.size) };
      position += entry.size + paddingAfter(entry.size);
    }
    for (const marker of markers) {
      yield { kind: "bytes", bytes: marker };
      position += marker.length;
    }
  }
  if (reused !== undefined) yield { kind: "reuse", ...reused };
  const end = tarEnd();
  yield { kind: "bytes", bytes: end };
  walked.size = position + end.length;
}

interface Member {
  readonly entry: Entry;
  readonly from: number;
  readonly to: number;
}

/** Finds the member that says the same as an entry; asked in path order. */
type MemberWalk = (entry: Entry) => Member | undefined;

function membersOf(index: LayerIndex): MemberWalk {
  const { entries } = index;
  let place = 0;
  let from = 0;
  return (wanted) => {
    for (; place < entries.length && entries[place]!.path <= wanted.path; place += 1) {
      const entry = entries[place]!;
      const to = memberEnd(entry, from);
      const member = { entry, from, to };
      from = to;
      if (entry.path === wanted.path) {
        place += 1;
        return sameEntry(entry, wanted) ? member : undefined;
      }
    }
    return undefined;
  };
}

/** Where a member that starts at `from` ends; the content's place tells it for a file. */
function memberEnd(entry: Entry, from: number): number {
  if (entry.type === "file") return entry.offset! + entry.size + paddingAfter(entry.size);
  return headersOf(entry).reduce((end, header) => end + tarHeader(header).length, from);
}
