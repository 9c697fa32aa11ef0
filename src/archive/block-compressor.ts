import { Thread } from "../base/thread.ts";
import { blockIn, compressedIn, compressRoom, makeRoom, type Room, type RoomAnswer, type RoomAsk } from "./compress-room.ts";
import type { BlockRooms } from "./cut-blocks.ts";
import { Libdeflate } from "./deflate/libdeflate.ts";
import type { GzipBlock } from "./gzip-blocks.ts";

interface Worker {
  readonly thread: Thread<RoomAsk, RoomAnswer>;
  /** Blocks that it has still to compress. */
  waiting: number;
}

/** Compresses blocks on threads of its own, or at once where it has none. Blocks lie in rooms that it gives and takes back, so memory does not grow with their number. */
export class BlockCompressor implements BlockRooms, AsyncDisposable {
  readonly #workers: readonly Worker[];
  readonly #free: Room[] = [];
  #libdeflate: Libdeflate | undefined;

  constructor(threads: number) {
    this.#workers = Array.from({ length: threads }, () => ({ thread: new Thread(new URL("./compress-thread.ts", import.meta.url)), waiting: 0 }));
  }

  /** Blocks to give it before one has to be ready: each thread works at one and has one waiting, and one more covers a slow one. */
  get atOnce(): number {
    return 2 * this.#workers.length + 1;
  }

  /** Where a block can be put, and then is compressed: the start of a room. */
  take(): Buffer {
    return blockIn(this.#free.pop() ?? makeRoom());
  }

  /** Compresses a block that stands in what {@link take} gave. The result is in that room as well, until it is freed. */
  async compress(block: Buffer): Promise<GzipBlock> {
    const ask = { room: block.buffer as Room, length: block.length };
    const { crc, size, check } = await this.#ask(ask);
    return { length: block.length, crc, data: compressedIn(block, size), check };
  }

  /** Takes back the room in which bytes are. */
  free({ buffer }: Buffer): void {
    this.#free.push(buffer as Room);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map(({ thread }) => thread[Symbol.asyncDispose]()));
  }

  async #ask(ask: RoomAsk): Promise<RoomAnswer> {
    const [first, ...others] = this.#workers;
    if (first === undefined) return compressRoom(ask, (this.#libdeflate ??= new Libdeflate()));
    const worker = others.reduce((least, one) => (one.waiting < least.waiting ? one : least), first);
    worker.waiting += 1;
    try {
      return await worker.thread.ask(ask);
    } finally {
      worker.waiting -= 1;
    }
  }
}
