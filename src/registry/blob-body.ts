import { RegistryFailure } from "./registry-error.ts";
import type { HttpResponse } from "./transport.ts";

/** A blob's bytes from `offset` on. */
export interface BlobBody {
  /** Where they begin: what was asked for, or 0 where the server knows no ranges. */
  readonly offset: number;
  readonly bytes: AsyncIterable<Buffer>;
}

export interface BlobRequest {
  /** What a descriptor says. Bytes. */
  readonly size: number;
  readonly offset?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Verb and noun for messages: `read blob sha256:…`. */
  readonly doing: string;
  /** Who sends it, for messages: `the registry`. */
  readonly server: string;
  /** Sends a GET with these headers, and resolves to an answer with one of these statuses. */
  readonly get: (headers: Readonly<Record<string, string>>, accepts: readonly number[]) => Promise<HttpResponse>;
}

/**
 * Opens a blob from `offset` on. Reading throws a transient failure where the connection is cut, and a lasting one
 * where the server sends more or fewer bytes than the descriptor says. Whoever reads verifies the digest.
 */
export async function openBlobBody(request: BlobRequest): Promise<BlobBody> {
  const { size, offset = 0, doing, server } = request;
  const response = await request.get(offset === 0 ? {} : { range: `bytes=${offset}-` }, offset === 0 ? [200] : [200, 206, 416]);
  if (response.status === 416 || (response.status === 206 && !startsAt(response, offset))) {
    response.body.destroy();
    return openBlobBody({ ...request, offset: 0 });
  }
  const start = response.status === 206 ? offset : 0;
  const length = Number(response.headers["content-length"] ?? Number.NaN);
  if (!Number.isNaN(length) && length !== size - start) {
    response.body.destroy();
    throw wrongSize(doing, server, start + length, size);
  }
  return { offset: start, bytes: bounded(response, start, request) };
}

function startsAt(response: HttpResponse, offset: number): boolean {
  return /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] === String(offset);
}

async function* bounded(response: HttpResponse, start: number, { size, doing, server, signal }: BlobRequest): AsyncGenerator<Buffer> {
  let position = start;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      position += chunk.length;
      if (position > size) throw wrongSize(doing, server, position, size);
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RegistryFailure) throw error;
    throw new RegistryFailure("cut", `${doing}: ${server} broke off after ${position} of ${size} bytes`, { cause: error, transient: true });
  }
  if (position !== size) throw wrongSize(doing, server, position, size);
}

function wrongSize(doing: string, server: string, found: number, wanted: number): RegistryFailure {
  const shown = found > wanted ? "more bytes than that" : `${found} bytes`;
  return new RegistryFailure("size-mismatch", `${doing}: its descriptor says ${wanted} bytes, ${server} sent ${shown}`);
}
