import { type Libdeflate, libdeflateVersion } from "./libdeflate.ts";

/** What is decided on by itself: compress it or leave it. Bytes. */
const SEGMENT = 32 << 10;
const SAMPLES = 8;
const SAMPLE = 256;
/** Sum of squares of a histogram over random bytes is n + n(n-1)/256 on average, with a deviation of 1 %. */
const FLAT = 1.05 * (SAMPLES * SAMPLE + (SAMPLES * SAMPLE * (SAMPLES * SAMPLE - 1)) / 256);
/** Flat bytes may still repeat, which a try on so many tells. */
const TRIAL = 16 << 10;
const WORTH = 0.97;
/** The longest stored block (RFC 1951, 3.2.4). */
const LONGEST_STORED = 65_535;
const STORED_HEADER = 5;

/** How blocks are compressed. */
export const deflateVersion = `libdeflate ${libdeflateVersion} level 1, flat ${SEGMENT / 1024}K`;

/** The bytes that a block takes at most: all of it stored, one segment in each two by itself. */
export function mostDeflated(length: number): number {
  return length + STORED_HEADER * (Math.ceil(length / SEGMENT) + 1);
}

/**
 * Writes a block as a piece of a deflate stream (RFC 1951) that begins and ends at a byte and needs nothing before it;
 * how long that is. Stretches that do not compress are stored as they are. The result depends on the block alone;
 * `target` has room for {@link mostDeflated}.
 */
export function deflateBlock(block: Buffer, target: Buffer, libdeflate: Libdeflate): number {
  let length = 0;
  for (const { start, end, flat } of runsOf(block)) {
    const run = block.subarray(start, end);
    const deflated = flat && !repeats(run, libdeflate) ? run : libdeflate.deflate(run);
    length += deflated.length < run.length ? deflated.copy(target, length) : store(run, target.subarray(length));
  }
  return length;
}

interface Run {
  readonly start: number;
  end: number;
  readonly flat: boolean;
}

function runsOf(block: Buffer): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < block.length; start += SEGMENT) {
    const end = Math.min(start + SEGMENT, block.length);
    const flat = isFlat(block, start, end);
    const last = runs.at(-1);
    if (last?.flat === flat) last.end = end;
    else runs.push({ start, end, flat });
  }
  return runs;
}

/** Whether the bytes look as evenly distributed as random ones, in samples all over the segment. */
function isFlat(block: Buffer, start: number, end: number): boolean {
  if (end - start < SEGMENT) return false;
  const counts = new Uint16Array(256);
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const from = start + sample * (SEGMENT / SAMPLES);
    for (let at = from; at < from + SAMPLE; at += 1) counts[block[at]!]! += 1;
  }
  let squares = 0;
  for (const count of counts) squares += count * count;
  return squares < FLAT;
}

function repeats(run: Buffer, libdeflate: Libdeflate): boolean {
  const middle = (run.length - TRIAL) >> 1;
  return libdeflate.deflate(run.subarray(middle, middle + TRIAL)).length < TRIAL * WORTH;
}

function store(run: Buffer, target: Buffer): number {
  let length = 0;
  for (let at = 0; at < run.length; at += LONGEST_STORED) {
    const bytes = run.subarray(at, at + LONGEST_STORED);
    target.writeUInt8(0, length);
    target.writeUInt16LE(bytes.length, length + 1);
    target.writeUInt16LE(bytes.length ^ 0xffff, length + 3);
    length += STORED_HEADER + bytes.copy(target, length + STORED_HEADER);
  }
  return length;
}
