import { read } from "node:fs";
import { promisify } from "node:util";

const ABANDONED = -1n;
const NOBODY = -1n;
/** So far a writer goes ahead of who follows: what is read again soon need not come from the disk. Bytes. */
const AHEAD = 32 << 20;

/** Counts the bytes of a file that is being written, for who reads it meanwhile in another thread. */
export class Growth {
  /** To hand to a thread. */
  readonly shared: SharedArrayBuffer;
  /** Twice the count, and one more when no more will come; -1 when the file was abandoned. */
  readonly #state: BigInt64Array<SharedArrayBuffer>;
  /** How many bytes who follows has read, or -1 where nobody follows. */
  readonly #taken: BigInt64Array<SharedArrayBuffer>;

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(16);
    this.#state = new BigInt64Array(this.shared, 0, 1);
    this.#taken = new BigInt64Array(this.shared, 8, 1);
    if (shared === undefined) this.#take(NOBODY);
  }

  /** Says that somebody reads it, for whom the writer may wait. */
  follow(): void {
    this.#take(0n);
  }

  /** Who follows has read so many bytes. That nobody follows, said by another thread meanwhile, stays said. */
  took(to: number): void {
    const before = Atomics.load(this.#taken, 0);
    if (before === NOBODY) return;
    Atomics.compareExchange(this.#taken, 0, before, BigInt(to));
    Atomics.notify(this.#taken, 0);
  }

  /** Says that nobody follows any more. */
  leave(): void {
    this.#take(NOBODY);
  }

  /** Resolves when who follows is not far behind `at`, or nobody does. */
  async near(at: number): Promise<void> {
    for (let taken = Atomics.load(this.#taken, 0); taken !== NOBODY && at - Number(taken) > AHEAD; taken = Atomics.load(this.#taken, 0)) {
      await Atomics.waitAsync(this.#taken, 0, taken).value;
    }
  }

  /** So many bytes are there. */
  grow(to: number): void {
    if (!this.abandoned) this.#set(2n * BigInt(to));
  }

  /** No more will come. */
  end(): void {
    if (!this.abandoned) this.#set(this.#now() | 1n);
  }

  /** What was there goes: who reads it cannot go on, not even with what comes then. */
  abandon(): void {
    this.#set(ABANDONED);
  }

  get abandoned(): boolean {
    return this.#now() === ABANDONED;
  }

  /** How many bytes are there, once that is more than `at`, or no more will come. Throws when the file was abandoned. */
  async beyond(at: number): Promise<number> {
    for (let state = this.#now(); state !== ABANDONED; state = this.#now()) {
      const there = Number(state >> 1n);
      if (there > at || (state & 1n) === 1n) return there;
      await Atomics.waitAsync(this.#state, 0, state).value;
    }
    throw new Error("the file that is read is written anew");
  }

  #now(): bigint {
    return Atomics.load(this.#state, 0);
  }

  #take(bytes: bigint): void {
    Atomics.store(this.#taken, 0, bytes);
    Atomics.notify(this.#taken, 0);
  }

  #set(state: bigint): void {
    Atomics.store(this.#state, 0, state);
    Atomics.notify(this.#state, 0);
  }
}

/** A file of `size` bytes in the end, of which more comes while it is read. */
export interface GrowingFile {
  readonly path: string;
  readonly size: number;
  readonly growth: Growth;
}

const CHUNK = 1 << 20;
const readFile = promisify(read);

/** All bytes of a growing file that is open already, each as soon as it is there; up to `size`, or to its end. */
export async function* readGrowing({ file, size = Infinity, growth }: { readonly file: number; readonly size?: number; readonly growth: Growth }): AsyncGenerator<Buffer> {
  let there = 0;
  for (let at = 0; at < size; ) {
    if (there <= at) there = await growth.beyond(at);
    if (there <= at) return;
    const { bytesRead, buffer } = await readFile(file, Buffer.allocUnsafeSlow(Math.min(CHUNK, there - at)), 0, Math.min(CHUNK, there - at), at);
    if (bytesRead === 0) throw new Error("the file that is read became shorter");
    at += bytesRead;
    growth.took(at);
    yield buffer.subarray(0, bytesRead);
  }
}
