import { open } from "node:fs/promises";
import type { Descriptor } from "../oci/descriptor.ts";
import { openBlob } from "../registry/blobs.ts";
import { RegistryFailure } from "../registry/registry-error.ts";
import { waitFor } from "../registry/retry.ts";
import type { Session } from "../registry/session.ts";
import type { Store } from "../store/store.ts";

export interface FetchOptions {
  readonly repository: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (current: number) => void;
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
  const { repository, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await continueDownload(session, store, { repository, digest, size }, options);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryFailure) || !error.transient || attempt >= session.retries.attempts) throw error;
      await waitFor(error, attempt, session.retries, signal);
    }
  }
  await content.commitPartial(digest, size);
}

async function continueDownload(session: Session, { content }: Store, blob: { readonly repository: string; readonly digest: Descriptor["digest"]; readonly size: number }, { signal, onProgress }: FetchOptions): Promise<void> {
  const partial = content.partial(blob.digest);
  const there = partial.size < blob.size ? partial.size : 0;
  const body = await openBlob(session, blob, { offset: there, signal });
  const file = await open(partial.path, body.offset === 0 ? "w" : "r+");
  try {
    let at = body.offset;
    for await (const chunk of body.bytes) {
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
      }
      at += chunk.length;
      onProgress?.(at);
    }
    await file.truncate(at);
  } finally {
    await file.close();
  }
}
