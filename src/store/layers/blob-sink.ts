import type { Digest } from "../../oci/digest.ts";

/** Who takes a blob's bytes while they are made. */
export interface BlobSink {
  /** Resolves when there is room for more. */
  write(chunk: Buffer): Promise<void>;
  /** The blob is whole. */
  finish(digest: Digest): Promise<void>;
}

/** A sink for a layer whose tar has so many bytes, if one is wanted; asked only when the blob has to be made. */
export type SinkFor = (tarSize: number) => BlobSink | undefined;
