import { read } from "node:fs";
import { promisify } from "node:util";

/** Counts the bytes of a file that is being written, for who reads it meanwhile in another thread. */
export class Growth {
  /** To hand to a thread. */
  readonly shared: SharedArrayBuffer;
  readonly #count: BigInt64Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.shared = shared;
    this.#count = new BigInt64Array(shared);
  }

  /** So many bytes are there. */
  grow(to: number): void {
    if (!this.abandoned) this.#set(BigInt(to));
  }

  /** What was there goes: who reads it cannot go on, not even with what comes then. */
  abandon(): void {
    this.#set(-1n);
  }

  get abandoned(): boolean {
    return this.#now() < 0n;
  }

  /** How many bytes are there, once that is more than `at`. Throws when the file was abandoned. */
  async beyond(at: number): Promise<number> {
    let there = this.#now();
    while (there >= 0n && there <= BigInt(at)) {
      await Atomics.waitAsync(this.#count, 0, there).value;
      there = this.#now();
    }
    if (there < 0n) throw new Error("the file that is read is written anew");
    return Number(there);
  }

  #now(): bigint {
    return Atomics.load(this.#count, 0);
  }

  #set(count: bigint): void {
    Atomics.store(this.#count, 0, count);
    Atomics.notify(this.#count, 0);
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

/** All bytes of a growing file that is open already, each as soon as it is there. */
export async function* readGrowing({ file, size, growth }: { readonly file: number; readonly size: number; readonly growth: Growth }): AsyncGenerator<Buffer> {
  let there = 0;
  for (let at = 0; at < size; ) {
    if (there <= at) there = await growth.beyond(at);
    const { bytesRead, buffer } = await readFile(file, Buffer.allocUnsafeSlow(Math.min(CHUNK, there - at)), 0, Math.min(CHUNK, there - at), at);
    if (bytesRead === 0) throw new Error("the file that is read became shorter");
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
