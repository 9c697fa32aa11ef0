import { Thread } from "../../base/thread.ts";
import type { Digest } from "../../oci/digest.ts";
import { fromThread } from "../thread-failure.ts";
import { storeWriteFailure } from "../write-file.ts";
import { ComposeWork, type ComposeAnswer, type ComposeAsk, type Steps } from "./compose-steps.ts";
import type { Piece } from "./layer-pieces.ts";
import type { StoredTar } from "./stored-tar.ts";
import type { ComposedTar } from "./tar-composer.ts";

export interface ComposeOptions {
  /** A new file. */
  readonly target: string;
  /** Whose stretches the pieces may reuse. */
  readonly earlier?: StoredTar;
  /** About how many bytes it will be: for little, a thread costs more than it gives. */
  readonly expected: number;
  /** Called when all pieces were handed over, which is before the last are written. */
  readonly meanwhile?: () => void;
  readonly signal?: AbortSignal;
}

export interface Composing {
  readonly composed: ComposedTar;
  /** The sha256 of each content for which none was given, in order. */
  readonly digests: readonly Digest[];
  /** Resolves when the new file is on the disk. */
  readonly synced: Promise<void>;
}

/** Smaller tars are composed where they are asked for. Bytes. */
const THREAD_FROM = 8 << 20;
const BATCH_BYTES = 1 << 20;
const BATCH_STEPS = 4000;
/** Batches that wait for the thread; more would only fill the memory. */
const AHEAD = 2;

/**
 * Composes a tar from pieces. Resolves when all is written, before it is synced. Throws StoreFailure `digest-mismatch`
 * for a content that is not what it should be, `damaged` for one that ends early, `disk-full`, `read-only`; or the signal's reason.
 */
export async function composeTar(pieces: Iterable<Piece>, options: ComposeOptions): Promise<Composing> {
  const worker = options.expected < THREAD_FROM ? inlineWork() : threadWork();
  const { signal } = options;
  const end = (): void => void worker.close();
  try {
    if (worker.mayWait) signal?.addEventListener("abort", end, { once: true });
    await worker.ask({ kind: "start", target: options.target });
    const pending: Promise<ComposeAnswer>[] = [];
    const digests: Digest[] = [];
    const take = async (batch: Promise<ComposeAnswer>): Promise<void> => void digests.push(...((await batch).digests ?? []));
    for (const steps of batches(pieces, options.earlier)) {
      signal?.throwIfAborted();
      const batch = worker.ask({ kind: "steps", steps });
      batch.catch(() => undefined); // seen when its turn comes
      pending.push(batch);
      if (pending.length > AHEAD) await take(pending.shift()!);
    }
    options.meanwhile?.();
    for (const batch of pending) await take(batch);
    const { composed } = await worker.ask({ kind: "finish" });
    const synced = worker.ask({ kind: "sync" }).then(() => undefined).finally(() => worker.close());
    synced.catch(() => undefined); // seen by who waits for it
    return { composed: composed!, digests, synced };
  } catch (error) {
    await worker.close();
    signal?.throwIfAborted();
    throw storeWriteFailure(fromThread(error));
  } finally {
    signal?.removeEventListener("abort", end); // the sync of what is in its place goes on
  }
}

interface Work {
  ask(ask: ComposeAsk): Promise<ComposeAnswer>;
  close(): Promise<void>;
  /** Whether its caller waits for it elsewhere, so that it can be closed in the midst of work. */
  readonly mayWait: boolean;
}

function inlineWork(): Work {
  const work = new ComposeWork();
  return { ask: async (ask) => work.answer(ask), close: async () => work[Symbol.dispose](), mayWait: false };
}

function threadWork(): Work {
  const thread = new Thread<ComposeAsk, ComposeAnswer>(new URL("./compose-thread.ts", import.meta.url));
  const transfer = (ask: ComposeAsk): ArrayBuffer[] => (ask.kind === "steps" ? [ask.steps.bytes.buffer] : []);
  return { ask: (ask) => thread.ask(ask, transfer(ask)), close: () => thread[Symbol.asyncDispose](), mayWait: true };
}

function* batches(pieces: Iterable<Piece>, earlier: StoredTar | undefined): Generator<Steps> {
  let batch = new Batch();
  for (const piece of pieces) {
    batch.add(piece, earlier);
    if (batch.isFull()) {
      yield batch.steps();
      batch = new Batch();
    }
  }
  yield batch.steps();
}

class Batch {
  readonly #bytes: Buffer[] = [];
  readonly #sizes: number[] = [];
  readonly #files: string[] = [];
  readonly #offsets: number[] = [];
  readonly #digests: (Steps["digests"][number])[] = [];
  readonly #names: string[] = [];
  #kinds = "";
  #size = 0;

  add(piece: Piece, earlier: StoredTar | undefined): void {
    switch (piece.kind) {
      case "bytes":
        if (piece.bytes.length === 0) return;
        this.#bytes.push(piece.bytes);
        this.#size += piece.bytes.length;
        return this.#step("b", piece.bytes.length);
      case "content": {
        const { located, entry } = piece;
        this.#digests.push(entry.digest);
        this.#names.push(entry.path);
        return this.#stretch("c", located.file, located.offset, entry.size);
      }
      case "reuse":
        for (const { file, offset, length } of earlier!.stretches(piece.from, piece.to)) this.#stretch("r", file, offset, length);
    }
  }

  isFull(): boolean {
    return this.#size >= BATCH_BYTES || this.#sizes.length >= BATCH_STEPS;
  }

  steps(): Steps {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#bytes) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return { kinds: this.#kinds, bytes, sizes: this.#sizes, files: this.#files, offsets: this.#offsets, digests: this.#digests, names: this.#names };
  }

  #stretch(kind: "c" | "r", file: string | Buffer, offset: number, size: number): void {
    this.#files.push(typeof file === "string" ? Buffer.from(file).toString("latin1") : file.toString("latin1"));
    this.#offsets.push(offset);
    this.#step(kind, size);
  }

  #step(kind: "b" | "c" | "r", size: number): void {
    this.#kinds += kind;
    this.#sizes.push(size);
  }
}
