import { ArchiveError } from "../../archive/archive-error.ts";
import { decompressStream } from "../../archive/decompress.ts";
import { answerRequests } from "../../base/thread.ts";
import type { DiffId } from "../../oci/digest.ts";
import { Growth, readGrowing } from "../content/growth.ts";
import { StoreFailure } from "../store-error.ts";
import { writeIndex } from "./index-file.ts";
import { ingestTar } from "./ingest-tar.ts";
import { LayerIndex } from "./layer-index.ts";

export interface IngestAsk {
  /** The blob's file, opened by who asks and closed by them: its name may change while it is read. */
  readonly file: number;
  /** Bytes of the blob in the end; of these, as many are there as `shared` counts. */
  readonly size: number;
  readonly shared: SharedArrayBuffer;
  readonly tar: string;
  readonly index: string;
}

export interface IngestAnswer {
  readonly diffId?: DiffId;
  /** What the blob's bytes, or the disk, did not allow. */
  readonly failure?:
    | { readonly kind: "archive"; readonly code: ArchiveError["code"]; readonly message: string }
    | { readonly kind: "store"; readonly code: StoreFailure["code"]; readonly message: string; readonly hint: string | undefined };
}

answerRequests<IngestAsk, IngestAnswer>(async ({ file, size, shared, tar, index }) => {
  try {
    const bytes = readGrowing({ file, size, growth: new Growth(shared) });
    const { diffId, size: tarSize, entries } = await ingestTar(decompressStream(bytes) as AsyncIterable<Buffer>, tar);
    writeIndex(index, new LayerIndex(entries, { tarSize, composed: false }));
    return { diffId };
  } catch (error) {
    if (error instanceof ArchiveError) return { failure: { kind: "archive", code: error.code, message: error.message } };
    if (error instanceof StoreFailure) return { failure: { kind: "store", code: error.code, message: error.message, hint: error.hint } };
    throw error;
  }
});
