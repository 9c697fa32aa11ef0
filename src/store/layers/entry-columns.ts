import type { BytePath } from "../../base/byte-path.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Entry, EntryType } from "./entry.ts";
import { type More, sameMore } from "./same-entry.ts";

const TYPES: readonly EntryType[] = ["file", "directory", "symlink", "hardlink", "character", "block", "fifo", "whiteout"];
const CODES = new Map(TYPES.map((type, code) => [type, code]));
const FILE = CODES.get("file")!;
const DIRECTORY = CODES.get("directory")!;
const PREFIX = "sha256:";
/** Bytes of a digest. */
const HASH = 32;
const LANES = HASH / 4;
const SECOND = 1_000_000_000n;
const NANOSECONDS = 1_000_000_000;
const NONE = -1;

/** The numbers of a number of entries, each of a kind side by side. */
export type Numbers = {
  /** By {@link TYPES}. */
  readonly types: Uint8Array<ArrayBuffer>;
  /** Whether there is a digest. */
  readonly digested: Uint8Array<ArrayBuffer>;
  readonly modes: Uint16Array<ArrayBuffer>;
  readonly uids: Float64Array<ArrayBuffer>;
  readonly gids: Float64Array<ArrayBuffer>;
  readonly sizes: Float64Array<ArrayBuffer>;
  /** Whole seconds before the time, so that nanoseconds are never negative. */
  readonly seconds: Float64Array<ArrayBuffer>;
  readonly nanoseconds: Uint32Array<ArrayBuffer>;
  /** -1 for none. */
  readonly offsets: Float64Array<ArrayBuffer>;
  /** sha256, {@link LANES} numbers each. */
  readonly digests: Uint32Array<ArrayBuffer>;
};

/** The columns that are copied as they are, a number an entry. */
const PLAIN = ["types", "digested", "modes", "uids", "gids", "sizes", "seconds", "nanoseconds"] as const;

/** Room for the numbers of so many entries. */
export function numbersOf(count: number): Numbers {
  return {
    types: new Uint8Array(count),
    digested: new Uint8Array(count),
    modes: new Uint16Array(count),
    uids: new Float64Array(count),
    gids: new Float64Array(count),
    sizes: new Float64Array(count),
    seconds: new Float64Array(count),
    nanoseconds: new Uint32Array(count),
    offsets: new Float64Array(count),
    digests: new Uint32Array(count * LANES),
  };
}

/**
 * The entries of a layer side by side instead of as objects, which take ten times the memory, and time to be made: two
 * layers of many files are compared, and one is made of another, without an object for a file that stays.
 */
export class EntryColumns {
  /** Sorted; as many as there are entries. */
  readonly paths: BytePath[];
  readonly more: Map<number, More>;
  readonly #numbers: Numbers;
  readonly #digestBytes: Buffer;
  /** A digest to compare others with. */
  readonly #wanted = new Uint32Array(LANES);
  readonly #wantedBytes = Buffer.from(this.#wanted.buffer);

  /** Room for so many entries; or columns as they were written. */
  constructor(of: number | { readonly paths: BytePath[]; readonly numbers: Numbers; readonly more: Map<number, More> }) {
    const { paths, numbers, more } = typeof of === "number" ? { paths: [], numbers: numbersOf(of), more: new Map<number, More>() } : of;
    this.paths = paths;
    this.more = more;
    this.#numbers = numbers;
    this.#digestBytes = Buffer.from(numbers.digests.buffer, numbers.digests.byteOffset, numbers.digests.byteLength);
  }

  static of(entries: readonly Entry[]): EntryColumns {
    const columns = new EntryColumns(entries.length);
    for (const entry of entries) columns.add(entry);
    return columns;
  }

  get length(): number {
    return this.paths.length;
  }

  get numbers(): Numbers {
    return this.#numbers;
  }

  /** Appends an entry, with the place of its content where that is not its own. */
  add(entry: Entry, offset: number | undefined = entry.offset): void {
    const { types, digested, modes, uids, gids, sizes, seconds, nanoseconds, offsets } = this.#numbers;
    const place = this.paths.push(entry.path) - 1;
    types[place] = CODES.get(entry.type)!;
    modes[place] = entry.mode;
    uids[place] = entry.uid;
    gids[place] = entry.gid;
    sizes[place] = entry.size;
    offsets[place] = offset ?? NONE;
    [seconds[place], nanoseconds[place]] = timeOf(entry.mtime);
    if (entry.digest !== undefined) this.setDigest(place, entry.digest);
    else digested[place] = 0;
    const more = moreOf(entry);
    if (more !== undefined) this.more.set(place, more);
  }

  /** Appends `count` entries of other columns, from `at` on, their contents so many bytes further on. */
  copy(from: EntryColumns, { at, count }: { readonly at: number; readonly count: number }, further: number): void {
    const [own, other] = [this.#numbers, from.#numbers];
    const place = this.paths.length;
    for (const name of PLAIN) own[name].set(other[name].subarray(at, at + count), place);
    own.digests.set(other.digests.subarray(at * LANES, (at + count) * LANES), place * LANES);
    for (let step = 0; step < count; step += 1) {
      this.paths.push(from.paths[at + step]!);
      const offset = other.offsets[at + step]!;
      own.offsets[place + step] = offset === NONE ? NONE : offset + further;
      const more = from.more.get(at + step);
      if (more !== undefined) this.more.set(place + step, more);
    }
  }

  setDigest(place: number, digest: Digest): void {
    this.#numbers.digested[place] = 1;
    this.#digestBytes.write(digest.slice(PREFIX.length), place * HASH, HASH, "hex");
  }

  entry(place: number): Entry {
    const { modes, uids, gids, sizes, digested } = this.#numbers;
    const offset = this.offset(place);
    const more = this.more.get(place);
    const plain = { path: this.paths[place]!, type: this.type(place), mode: modes[place]!, uid: whole(uids[place]!), gid: whole(gids[place]!), size: whole(sizes[place]!), mtime: this.#mtime(place) };
    // Written out, as there are as many as files, and all of one shape.
    if (digested[place] === 1 && offset !== undefined && more === undefined) return { ...plain, digest: this.#digest(place), offset };
    return { ...plain, ...(digested[place] === 1 ? { digest: this.#digest(place) } : {}), ...(offset === undefined ? {} : { offset }), ...more };
  }

  type(place: number): EntryType {
    return TYPES[this.#numbers.types[place]!]!;
  }

  /** Whether there is an entry of a type. */
  has(type: EntryType): boolean {
    return this.#numbers.types.includes(CODES.get(type)!);
  }

  isFile(place: number): boolean {
    return this.#numbers.types[place] === FILE;
  }

  isDirectory(place: number): boolean {
    return this.#numbers.types[place] === DIRECTORY;
  }

  size(place: number): number {
    return this.#numbers.sizes[place]!;
  }

  /** Undefined for what is no file, and for a file that does not lie in one piece. */
  offset(place: number): number | undefined {
    const offset = this.#numbers.offsets[place]!;
    return offset === NONE ? undefined : offset;
  }

  /** Whether it says what an entry says, times included; where their contents lie does not count. */
  says(place: number, entry: Entry): boolean {
    const { types, digested, modes, uids, gids, sizes, seconds, nanoseconds } = this.#numbers;
    if (sizes[place] !== entry.size || modes[place] !== entry.mode || uids[place] !== entry.uid || gids[place] !== entry.gid || types[place] !== CODES.get(entry.type)) return false;
    const [second, nanosecond] = timeOf(entry.mtime);
    if (seconds[place] !== second || nanoseconds[place] !== nanosecond || this.paths[place] !== entry.path) return false;
    if (entry.digest === undefined ? digested[place] === 1 : digested[place] !== 1 || !this.#hasDigest(place, entry.digest)) return false;
    return sameMore(this.more.get(place), moreOf(entry));
  }

  /** Whether two entries say the same; where their contents lie does not count. */
  isSame(place: number, other: EntryColumns, at: number): boolean {
    const [a, b] = [this.#numbers, other.#numbers];
    return a.seconds[place] === b.seconds[at] && a.nanoseconds[place] === b.nanoseconds[at] && this.isLike(place, other, at);
  }

  /** The same but for times. */
  isLike(place: number, other: EntryColumns, at: number): boolean {
    const [a, b] = [this.#numbers, other.#numbers];
    if (a.sizes[place] !== b.sizes[at] || a.modes[place] !== b.modes[at] || a.uids[place] !== b.uids[at] || a.gids[place] !== b.gids[at] || a.types[place] !== b.types[at] || a.digested[place] !== b.digested[at]) return false;
    for (let lane = 0; lane < LANES; lane += 1) if (a.digests[place * LANES + lane] !== b.digests[at * LANES + lane]) return false;
    return this.paths[place] === other.paths[at] && sameMore(this.more.get(place), other.more.get(at));
  }

  #hasDigest(place: number, digest: Digest): boolean {
    this.#wantedBytes.write(digest.slice(PREFIX.length), 0, HASH, "hex");
    for (let lane = 0; lane < LANES; lane += 1) if (this.#wanted[lane] !== this.#numbers.digests[place * LANES + lane]) return false;
    return true;
  }

  #digest(place: number): Digest {
    return `${PREFIX}${this.#digestBytes.toString("hex", place * HASH, (place + 1) * HASH)}` as Digest;
  }

  #mtime(place: number): bigint {
    const { seconds, nanoseconds } = this.#numbers;
    return BigInt(seconds[place]!) * SECOND + BigInt(nanoseconds[place]!);
  }
}

/** A number from a column of floating-point ones, each of which V8 would keep in a box of its own, for all objects of one shape. */
function whole(number: number): number {
  return (number | 0) === number ? number | 0 : number;
}

/** Whole seconds before the time, and the nanoseconds from there. */
function timeOf(mtime: bigint): readonly [seconds: number, nanoseconds: number] {
  const rest = Number(mtime % SECOND);
  const nanoseconds = rest < 0 ? rest + NANOSECONDS : rest;
  return [Number(mtime / SECOND) - (rest < 0 ? 1 : 0), nanoseconds];
}

function moreOf({ link, opaque, major, minor, xattrs }: Entry): More | undefined {
  if (link === undefined && opaque === undefined && major === undefined && xattrs === undefined) return undefined;
  return { ...(link === undefined ? {} : { link }), ...(opaque === undefined ? {} : { opaque }), ...(major === undefined ? {} : { major, minor: minor ?? 0 }), ...(xattrs === undefined ? {} : { xattrs }) };
}
