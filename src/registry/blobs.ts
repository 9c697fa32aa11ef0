import type { Digest } from "../oci/digest.ts";
import { openBlobBody, type BlobBody } from "./blob-body.ts";
import { discard } from "./response-failure.ts";
import { pullScope } from "./scope.ts";
import type { Session } from "./session.ts";

/** A blob in a repository; its size is what a descriptor says. */
export interface BlobAddress {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Whether the repository has the blob. */
export async function hasBlob(session: Session, blob: BlobAddress, options: { readonly scopes?: readonly string[]; readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
  const scopes = options.scopes ?? [pullScope(blob.repository)];
  const response = await session.request({ method: "HEAD", target: path(blob), scopes, accepts: [200, 404], doing: `look up blob ${blob.digest}`, signal: options.signal });
  await discard(response);
  return response.status === 200;
}

/** Opens a blob from `offset` on: see {@link openBlobBody}. */
export async function openBlob(session: Session, blob: BlobAddress, { offset, signal }: { readonly offset?: number; readonly signal?: AbortSignal | undefined } = {}): Promise<BlobBody> {
  const doing = `read blob ${blob.digest}`;
  return await openBlobBody({
    size: blob.size,
    offset,
    signal,
    doing,
    server: "the registry",
    get: (headers, accepts) => session.request({ method: "GET", target: path(blob), headers, scopes: [pullScope(blob.repository)], accepts, doing, signal }),
  });
}

function path({ repository, digest }: BlobAddress): string {
  return `/v2/${repository}/blobs/${digest}`;
}
