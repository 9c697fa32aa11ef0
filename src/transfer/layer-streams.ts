import type { Digest } from "../oci/digest.ts";
import type { Session } from "../registry/session.ts";
import { StreamedUpload } from "../registry/streamed-upload.ts";
import type { SinkFor } from "../store/layers/blob-sink.ts";

/** Less is compressed in no time, and its digest then tells whether it must be sent at all. Bytes of a tar. */
const STREAM_FROM = 16 << 20;

/** Sends layers to a repository while they are compressed. What does not get through that way, {@link pushImage} sends. */
export class LayerStreams {
  /** The blobs that got through. */
  readonly sent: ReadonlySet<Digest>;
  /** For layers that were never compressed: any other has a digest to ask the registry for. */
  readonly sinkFor: SinkFor;

  constructor(session: Session, repository: string, signal: AbortSignal) {
    const sent = new Set<Digest>();
    this.sent = sent;
    this.sinkFor = (tarSize) => {
      if (tarSize < STREAM_FROM) return undefined;
      const upload = new StreamedUpload(session, repository, signal);
      return {
        write: (chunk) => upload.write(chunk),
        async finish(digest) {
          if (await upload.finish(digest)) sent.add(digest);
        },
      };
    };
  }
}
