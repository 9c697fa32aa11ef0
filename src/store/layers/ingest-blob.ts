import { closeSync, openSync } from "node:fs";
import { Thread } from "../../base/thread.ts";
import type { DiffId } from "../../oci/digest.ts";
import type { GrowingFile } from "../content/growth.ts";
import { fromThread } from "../thread-failure.ts";
import type { IngestAnswer, IngestAsk } from "./ingest-thread.ts";

export interface IngestBlobOptions {
  /** New files: the uncompressed tar and its index. */
  readonly tar: string;
  readonly index: string;
  readonly signal?: AbortSignal | undefined;
}

/** Writes a compressed layer's tar and index in a thread, while its blob is still being downloaded. Throws what {@link ingestTar} throws. */
export async function ingestBlob({ path, size, growth }: GrowingFile, { tar, index, signal }: IngestBlobOptions): Promise<DiffId> {
  const file = openSync(path, "r");
  using _open = { [Symbol.dispose]: () => closeSync(file) };
  growth.follow();
  await using thread = new Thread<IngestAsk, IngestAnswer>(new URL("./ingest-thread.ts", import.meta.url), signal);
  try {
    return (await thread.ask({ file, size, shared: growth.shared, tar, index })).diffId;
  } catch (error) {
    throw fromThread(error);
  } finally {
    growth.leave();
  }
}
