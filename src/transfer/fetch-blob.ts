import type { Descriptor } from "../oci/descriptor.ts";
import { openBlob, type BlobAddress } from "../registry/blobs.ts";
import { RegistryFailure } from "../registry/registry-error.ts";
import { waitFor } from "../registry/retry.ts";
import type { Session } from "../registry/session.ts";
import type { GrowingFile } from "../store/content/growth.ts";
import type { PartialBlob } from "../store/content/partial-blob.ts";
import type { Store } from "../store/store.ts";

export interface FetchOptions {
  readonly repository: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (current: number) => void;
  /** Told when a download begins, with the file that grows. */
  readonly onPartial?: (partial: GrowingFile) => void;
}

/**
 * Brings a blob into the content store: goes on where an earlier try was cut, by this process or another, and keeps
 * it only when its size and digest are those of the descriptor. One process at a time fetches a blob.
 */
export async function fetchBlob(session: Session, store: Store, { digest, size }: Descriptor, options: FetchOptions): Promise<void> {
  const { content, records, leases } = store;
  leases.hold(digest);
  if (content.size(digest) === size) {
    return;
  }
  await using _claim = await records.claim(`fetch:${digest}`);
  if (content.size(digest) === size) {
    return;
  }
  const { repository, signal, onPartial } = options;
  await using partial = await content.partial({ digest, size });
  onPartial?.(partial);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await continueDownload(session, partial, { repository, digest, size }, options);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryFailure) || !error.transient || attempt >= session.retries.attempts) throw error;
      await waitFor(error, attempt, session.retries, signal);
    }
  }
  await content.commitPartial(partial, { digest, size });
}

async function continueDownload(session: Session, partial: PartialBlob, blob: BlobAddress, { signal, onProgress }: FetchOptions): Promise<void> {
  const body = await openBlob(session, blob, { offset: partial.at, signal });
  if (body.offset !== partial.at) await partial.restart();
  for await (const chunk of body.bytes) {
    await partial.append(chunk);
    onProgress?.(partial.at);
  }
}
