import { closeSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Thread } from "../../../base/thread.ts";
import { Growth, readGrowing } from "../../content/growth.ts";
import { fromThread } from "../../thread-failure.ts";
import type { BlobSink } from "../blob-sink.ts";
import type { StoredTar } from "../stored-tar.ts";
import type { PackedLayer } from "./known-blocks.ts";
import { packFile, type PackAsk, type Packed } from "./pack-file.ts";

export interface PackOptions {
  /** A new file. */
  readonly target: string;
  /** Layers that may have blocks in common with the tar. */
  readonly likely: readonly PackedLayer[];
  /** Has the bytes while they are made. */
  readonly sink?: BlobSink | undefined;
}

/** Smaller tars are compressed before a thread has started. Bytes. */
const THREAD_FROM = 8 << 20;
/** A further thread has at least so much to do. Bytes. */
const EACH_THREAD = 32 << 20;

function threadsFor(size: number): number {
  return size < THREAD_FROM ? 0 : Math.min(Math.ceil(size / EACH_THREAD), availableParallelism(), 4);
}

/**
 * Compresses a tar with gzip to a new file, which is not synced. Of a large one a thread makes the bytes, with others for each
 * of their blocks, writes and hashes them, and this one has them from the file for the sink: both at once, and none waits for the other.
 * Throws StoreFailure, or what the sink throws.
 */
export async function packBlob(tar: StoredTar, { target, likely, sink }: PackOptions): Promise<Packed> {
  await using work = tar.size < THREAD_FROM && sink === undefined ? inline() : thread();
  const growth = new Growth();
  const packing = work.ask({ target, parts: tar.parts, likely, threads: threadsFor(tar.size), shared: growth.shared });
  packing.catch(() => growth.abandon());
  try {
    const [packed] = await Promise.all([packing, sink === undefined ? undefined : feed(sink, target, growth)]);
    await sink?.finish(packed.digest);
    return packed;
  } catch (error) {
    throw fromThread(error);
  }
}

/** Gives a sink a file's bytes as they come. */
async function feed(sink: BlobSink, target: string, growth: Growth): Promise<void> {
  await growth.beyond(0); // the file is there then
  const file = openSync(target, "r");
  try {
    for await (const chunk of readGrowing({ file, growth })) await sink.write(chunk);
  } finally {
    closeSync(file);
  }
}

interface Work extends AsyncDisposable {
  ask(ask: PackAsk): Promise<Packed>;
}

function inline(): Work {
  return { ask: packFile, [Symbol.asyncDispose]: async () => undefined };
}

function thread(): Work {
  return new Thread<PackAsk, Packed>(new URL("./pack-thread.ts", import.meta.url));
}
