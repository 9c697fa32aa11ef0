import { decompressStream } from "../../archive/decompress.ts";
import { answerRequests } from "../../base/thread.ts";
import type { DiffId } from "../../oci/digest.ts";
import { Growth, readGrowing } from "../content/growth.ts";
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
  readonly diffId: DiffId;
}

answerRequests<IngestAsk, IngestAnswer>(async ({ file, size, shared, tar, index }) => {
  const bytes = readGrowing({ file, size, growth: new Growth(shared) });
  const { diffId, size: tarSize, entries } = await ingestTar(decompressStream(bytes) as AsyncIterable<Buffer>, tar);
  writeIndex(index, new LayerIndex(entries, { tarSize, composed: false }));
  return { diffId };
});
