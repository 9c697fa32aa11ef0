import { together } from "../base/together.ts";
import { isForeignLayer, type Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Reference } from "../oci/reference.ts";
import { putManifest } from "../registry/manifests.ts";
import type { Session } from "../registry/session.ts";
import { uploadBlob, type UploadResult } from "../registry/uploads.ts";
import type { Store } from "../store/store.ts";
import { openStored } from "./open-stored.ts";
import { knownRepositories, noteRepository } from "./known-repositories.ts";

/** An image whose config and layers are blobs of the content store, or are brought there by `fetch` when they have to be sent. */
export interface PushSource {
  readonly manifest: { readonly mediaType: string; readonly bytes: Buffer };
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly fetch?: (blob: Descriptor) => Promise<void>;
}

export interface PushOptions {
  readonly signal: AbortSignal;
  /** Blobs that the registry got while they were made: see LayerStreams. */
  readonly sent: ReadonlySet<Digest>;
  readonly onProgress: (blob: Descriptor, current: number, result: UploadResult["kind"] | undefined) => void;
}

/** Blobs at a time, as docker pushes them. */
const AT_ONCE = 5;

/** Brings an image to a registry: first every blob that is not there, then the manifest, so that nobody can pull half of it. */
export async function pushImage(session: Session, store: Store, reference: Reference, image: PushSource, options: PushOptions): Promise<void> {
  const { signal } = options;
  const { registry, repository } = reference;
  // A foreign layer is not ours to spread: the manifest says where it is.
  const own = image.layers.filter((layer) => !(isForeignLayer(layer) && (layer.urls ?? []).length > 0));
  const distinct = [...new Map([...own, image.config].map((blob) => [blob.digest, blob])).values()];
  await together(distinct, { atOnce: AT_ONCE, signal }, async (blob, stop) => {
    const { digest, size } = blob;
    const result: UploadResult = options.sent.has(digest) ? { kind: "pushed" } : await uploadBlob(
      session,
      { repository, digest, size, open: (start, end) => openStored(store, digest, start, end), ...(image.fetch === undefined ? {} : { fetch: () => image.fetch!(blob) }) },
      { mountFrom: knownRepositories(store.records, registry, digest), onProgress: (sent) => options.onProgress(blob, sent, undefined), signal: stop },
    );
    noteRepository(store.records, registry, repository, digest);
    options.onProgress(blob, size, result.kind);
  });
  await putManifest(session, { repository, tagOrDigest: reference.tag ?? reference.digest!, signal }, image.manifest);
}
