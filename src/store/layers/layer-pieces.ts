import { tarEnd, tarHeader, tarPadding } from "../../archive/write-tar.ts";
import { paddingAfter } from "../../archive/tar-header.ts";
import { headersOf } from "../layer-tar.ts";
import type { Entry } from "./entry.ts";
import { EntryColumns } from "./entry-columns.ts";
import type { LayerIndex } from "./layer-index.ts";
import type { Located } from "./located.ts";
import type { StoredTar } from "./stored-tar.ts";

/** Finds where the contents of some files of a layer lie, by their places among its entries. */
export type Locate = (places: readonly number[]) => readonly Located[] | Promise<readonly Located[]>;

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
  readonly columns: EntryColumns;
  /** Bytes of the tar, once `pieces` has been walked. */
  size(): number;
}

/**
 * The tar of a layer as pieces, entries in the order given. Members that stand in the same way in an earlier layer that
 * was composed here too are taken from its tar, header and all, which gives the same bytes; only the others' contents
 * are looked for.
 */
export async function layerPieces(entries: readonly Entry[], locate: Locate, earlier?: LayerIndex): Promise<LayerPieces> {
  const members = earlier === undefined ? undefined : new Members(earlier.columns, entries);
  const wanted = entries.flatMap(({ type, size }, place) => (type === "file" && size > 0 && members?.has(place) !== true ? [place] : []));
  const contents = (await locate(wanted)).values();
  const walked: Walked = { columns: new EntryColumns(entries.length), size: 0 };
  return { pieces: piecesOf(entries, contents, members, walked), columns: walked.columns, size: () => walked.size };
}

/** What a walk over the pieces has come to. */
interface Walked {
  readonly columns: EntryColumns;
  size: number;
}

function* piecesOf(entries: readonly Entry[], contents: Iterator<Located>, members: Members | undefined, walked: Walked): Generator<Piece> {
  const { columns } = walked;
  let position = 0;
  for (let place = 0; place < entries.length; ) {
    const run = members?.runAt(place);
    if (run !== undefined) {
      const { from, to } = run;
      yield { kind: "reuse", from, to };
      columns.copy(members!.earlier, run, position - from);
      position += to - from;
      place += run.count;
      continue;
    }
    const entry = entries[place]!;
    place += 1;
    const [header, ...markers] = headersOf(entry).map(tarHeader);
    yield { kind: "bytes", bytes: header! };
    position += header!.length;
    columns.add(entry, entry.type === "file" ? position : undefined);
    if (entry.type === "file" && entry.size > 0) {
      yield { kind: "content", located: contents.next().value as Located, entry };
      yield { kind: "bytes", bytes: tarPadding(entry.size) };
      position += entry.size + paddingAfter(entry.size);
    }
    for (const marker of markers) {
      yield { kind: "bytes", bytes: marker };
      position += marker.length;
    }
  }
  const end = tarEnd();
  yield { kind: "bytes", bytes: end };
  walked.size = position + end.length;
}

/** Members that follow one another in two layers. */
interface Run {
  /** The first one's place in the earlier layer. */
  readonly at: number;
  readonly count: number;
  /** Where they begin and end in its tar. */
  readonly from: number;
  readonly to: number;
}

/** The members of an earlier layer's tar that say the same as entries of a new one, both sorted. */
class Members {
  readonly earlier: EntryColumns;
  /** For each entry the place of the one that says the same; -1 for none. */
  readonly #places: Int32Array;

  constructor(earlier: EntryColumns, entries: readonly Entry[]) {
    this.earlier = earlier;
    this.#places = new Int32Array(entries.length).fill(-1);
    let at = 0;
    for (const [place, entry] of entries.entries()) {
      while (at < earlier.length && earlier.paths[at]! < entry.path) at += 1;
      if (at < earlier.length && earlier.says(at, entry)) this.#places[place] = at;
    }
  }

  has(place: number): boolean {
    return this.#places[place] !== -1;
  }

  /** As many as follow one another from an entry on. */
  runAt(place: number): Run | undefined {
    if (!this.has(place)) return undefined;
    const at = this.#places[place]!;
    let count = 1;
    while (this.#places[place + count] === at + count) count += 1;
    return { at, count, from: this.#end(at - 1), to: this.#end(at + count - 1) };
  }

  /** Where a member ends: its content's place tells it for a file, else the lengths of the headers since the last one. */
  #end(place: number): number {
    const { earlier } = this;
    let headers = 0;
    for (let at = place; at >= 0; at -= 1) {
      if (earlier.isFile(at)) return earlier.offset(at)! + earlier.size(at) + paddingAfter(earlier.size(at)) + headers;
      headers += headersOf(earlier.entry(at)).reduce((sum, header) => sum + tarHeader(header).length, 0);
    }
    return headers;
  }
}
