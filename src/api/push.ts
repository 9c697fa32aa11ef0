import { buffer } from "node:stream/consumers";
import type { EventSink } from "../events/build-event.ts";
import { outgoingImage } from "../exporters/outgoing-image.ts";
import type { Digest } from "../oci/digest.ts";
import { parseReference, repositoryDigest } from "../oci/reference.ts";
import { Session } from "../registry/session.ts";
import { LayerStreams } from "../transfer/layer-streams.ts";
import { pushImage } from "../transfer/push-image.ts";
import type { Laminate } from "./laminate.ts";
import { sayRetry } from "./say-retry.ts";

export interface PushOptions {
  /** The name of an image in the store, which is its name in the registry. */
  readonly reference: string;
  /** Accept plain HTTP and unknown certificates from the registry. */
  readonly insecure?: boolean;
}

export interface PushResult {
  readonly tag: string;
  /** Of the manifest. */
  readonly digest: Digest;
  /** Bytes of the manifest. */
  readonly size: number;
}

/** Brings an image of the store to the registry that its name says, compressing what never left before. */
export async function push({ store, env }: Pick<Laminate, "store" | "env">, options: PushOptions, { events, signal }: { readonly events: EventSink; readonly signal: AbortSignal }): Promise<PushResult> {
  const reference = parseReference(options.reference);
  const record = store.images.find(options.reference);
  using session = new Session(reference.registry, { env, insecure: options.insecure, retries: { onRetry: sayRetry(events) } });
  const streams = new LayerStreams(session, reference.repository, signal);
  // What is made reproducibly the registry may well have: then its digest is asked for before a byte is sent.
  const image = await outgoingImage(store, record, "gzip", env["SOURCE_DATE_EPOCH"] ? undefined : streams.sinkFor);
  const { mediaType, digest, size } = image.manifest.descriptor;
  const layers = image.layers.map(({ descriptor }) => descriptor);
  await pushImage(session, store, reference, { manifest: { mediaType, bytes: await buffer(image.manifest.open()) }, config: image.config.descriptor, layers }, {
    signal,
    sent: streams.sent,
    onProgress: (blob, current, result) => events({ type: "progress", id: 0, item: blob.digest, current, total: blob.size, done: result !== undefined, time: Date.now() }),
  });
  await store.images.put(record.manifest, [repositoryDigest(reference, digest)]);
  return { tag: reference.tag ?? "latest", digest, size };
}
