import type { Digest } from "../oci/digest.ts";
import { RegistryFailure } from "./registry-error.ts";
import { discard } from "./response-failure.ts";
import { pullScope } from "./scope.ts";
import type { Session } from "./session.ts";
import type { HttpResponse } from "./transport.ts";

/** A blob in a repository; its size is what a descriptor says. */
export interface BlobAddress {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number;
}

/** A blob's bytes from `offset` on. */
export interface BlobBody {
  /** Where they begin: what was asked for, or 0 where the registry knows no ranges. */
  readonly offset: number;
  readonly bytes: AsyncIterable<Buffer>;
}

/** Whether the repository has the blob. */
export async function hasBlob(session: Session, blob: BlobAddress, options: { readonly scopes?: readonly string[]; readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
  const scopes = options.scopes ?? [pullScope(blob.repository)];
  const response = await session.request({ method: "HEAD", target: path(blob), scopes, accepts: [200, 404], doing: `look up blob ${blob.digest}`, signal: options.signal });
  await discard(response);
  return response.status === 200;
}

/**
 * Opens a blob from `offset` on. Reading throws a transient failure where the connection is cut, and a lasting one
 * where the registry sends more or fewer bytes than the descriptor says. Whoever reads verifies the digest.
 */
export async function openBlob(session: Session, blob: BlobAddress, options: { readonly offset?: number; readonly signal?: AbortSignal | undefined } = {}): Promise<BlobBody> {
  const { offset = 0, signal } = options;
  const doing = `read blob ${blob.digest}`;
  const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const accepts = offset === 0 ? [200] : [200, 206, 416];
  const response = await session.request({ method: "GET", target: path(blob), headers, scopes: [pullScope(blob.repository)], accepts, doing, signal });
  if (response.status === 416 || (response.status === 206 && !startsAt(response, offset))) {
    response.body.destroy();
    return openBlob(session, blob, { signal });
  }
  const start = response.status === 206 ? offset : 0;
  const length = Number(response.headers["content-length"] ?? Number.NaN);
  if (!Number.isNaN(length) && length !== blob.size - start) {
    response.body.destroy();
    throw wrongSize(doing, start + length, blob.size);
  }
  return { offset: start, bytes: bounded(response, blob.size, start, doing, signal) };
}

function path({ repository, digest }: BlobAddress): string {
  return `/v2/${repository}/blobs/${digest}`;
}

function startsAt(response: HttpResponse, offset: number): boolean {
  return /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] === String(offset);
}

async function* bounded(response: HttpResponse, size: number, start: number, doing: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  let position = start;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      position += chunk.length;
      if (position > size) throw wrongSize(doing, position, size);
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RegistryFailure) throw error;
    throw new RegistryFailure("cut", `${doing}: the registry broke off after ${position} of ${size} bytes`, { cause: error, transient: true });
  }
  if (position !== size) throw wrongSize(doing, position, size);
}

function wrongSize(doing: string, found: number, wanted: number): RegistryFailure {
  const shown = found > wanted ? "more bytes than that" : `${found} bytes`;
  return new RegistryFailure("size-mismatch", `${doing}: its descriptor says ${wanted} bytes, the registry sent ${shown}`);
}
