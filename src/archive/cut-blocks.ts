/** Tar's members start at multiples of this, so only there can a cut hold when something before it changes its size. Bytes. */
const RECORD = 512;
const SHORTEST = 256 << 10;
export const LONGEST_BLOCK = 2 << 20;
/** One record in so many ends a block. */
const ONE_IN = 2048;
/** Every eighth word of a record is looked at; a member's header has its size, time and checksum in them. */
const WORD_STEP = 8;
const RECORD_WORDS = RECORD / 4;

/** How a stream is cut: part of what compressed bytes depend on. */
export const cutVersion = `${SHORTEST / 1024}-${LONGEST_BLOCK / 1024}K/${ONE_IN}`;

/** Memory for blocks. */
export interface BlockRooms {
  /** LONGEST_BLOCK bytes at the start of their memory, so that words are aligned. */
  take(): Buffer;
  free(room: Buffer): void;
}

/**
 * A stream cut into blocks of 256 KiB to 2 MiB, 1.1 MiB on average, where its own bytes say so. Whether a block ends
 * depends on nothing but that block, so a cut that two streams have in common is followed by equal blocks for as long
 * as the streams are equal, wherever in them that is. Each is the beginning of a room, and the taker's to free.
 */
export async function* cutBlocks(source: AsyncIterable<Buffer>, rooms: BlockRooms): AsyncGenerator<Buffer> {
  let block: Buffer | undefined = rooms.take();
  try {
    let filled = 0;
    let looked = SHORTEST - RECORD;
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; ) {
        const copied = chunk.copy(block, filled, at);
        at += copied;
        filled += copied;
        for (;;) {
          const end = findEnd(block, looked, filled);
          if (end === undefined) break;
          const whole: Buffer = block;
          block = rooms.take();
          filled = whole.copy(block, 0, end, filled);
          looked = SHORTEST - RECORD;
          yield whole.subarray(0, end);
        }
        looked = Math.max(looked, filled - (filled % RECORD));
      }
    }
    if (filled === 0) return;
    const last = block;
    block = undefined;
    yield last.subarray(0, filled);
  } finally {
    if (block !== undefined) rooms.free(block); // nobody has it
  }
}

/** The end of the first whole record from `from` on that ends a block; undefined when more bytes are needed to know. */
function findEnd(block: Buffer, from: number, filled: number): number | undefined {
  const words = new Int32Array(block.buffer, 0, LONGEST_BLOCK / 4);
  const until = Math.floor(filled / RECORD) * RECORD_WORDS;
  for (let record = from / 4; record < until; record += RECORD_WORDS) {
    let sum = 0;
    for (let word = record; word < record + RECORD_WORDS; word += WORD_STEP) sum = Math.imul(sum ^ words[word]!, 0x9e37_79b1) ^ (sum >>> 15);
    if (Math.imul(sum, 0x85eb_ca6b) >>> 0 < 2 ** 32 / ONE_IN) return (record + RECORD_WORDS) * 4;
  }
  return filled === LONGEST_BLOCK ? LONGEST_BLOCK : undefined;
}
