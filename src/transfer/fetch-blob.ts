import type { Descriptor } from "../oci/descriptor.ts";
import type { BlobBody } from "../registry/blob-body.ts";
import { openBlob } from "../registry/blobs.ts";
import { RegistryFailure } from "../registry/registry-error.ts";
import { waitFor, type RetryOptions } from "../registry/retry.ts";
import type { Session } from "../registry/session.ts";
import type { GrowingFile } from "../store/content/growth.ts";
import type { PartialBlob } from "../store/content/partial-blob.ts";
import type { Store } from "../store/store.ts";

/** Where blobs are fetched from. */
export interface BlobSource {
  readonly retries: RetryOptions;
  /** A blob's bytes from `offset` on. Throws RegistryFailure, also while they are read; whoever reads verifies the digest. */
  open(blob: Descriptor, options: { readonly offset?: number; readonly signal: AbortSignal }): Promise<BlobBody>;
}

/** The blobs of a repository. */
export function repositoryBlobs(session: Session, repository: string): BlobSource {
  return { retries: session.retries, open: ({ digest, size }, options) => openBlob(session, { repository, digest, size }, options) };
}

/** Who is told how a download goes on. */
export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (current: number) => void;
  /** Told when a download begins, with the file that grows. */
  readonly onPartial?: (partial: GrowingFile) => void;
}

/**
 * Brings a blob into the content store: goes on where an earlier try was cut, by this process or another, and keeps
 * it only when its size and digest are those of the descriptor. One process at a time fetches a blob.
 */
export async function fetchBlob(source: BlobSource, store: Store, blob: Descriptor, options: FetchOptions): Promise<void> {
  const { content, records, leases } = store;
  const { digest, size } = blob;
  leases.hold(digest);
  if (content.size(digest) === size) {
    return;
  }
  await using _claim = await records.claim(`fetch:${digest}`);
  if (content.size(digest) === size) {
    return;
  }
  const { signal, onPartial } = options;
  await using partial = await content.partial({ digest, size });
  onPartial?.(partial);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await continueDownload(source, partial, blob, options);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryFailure) || !error.transient || attempt >= source.retries.attempts) throw error;
      await waitFor(error, attempt, source.retries, signal);
    }
  }
  await content.commitPartial(partial, { digest, size });
}

async function continueDownload(source: BlobSource, partial: PartialBlob, blob: Descriptor, { signal, onProgress }: FetchOptions): Promise<void> {
  const body = await source.open(blob, { offset: partial.at, signal });
  if (body.offset !== partial.at) await partial.restart();
  for await (const chunk of body.bytes) {
    await partial.append(chunk);
    onProgress?.(partial.at);
  }
}
