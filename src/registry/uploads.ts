import type { Readable } from "node:stream";
import { hasBlob, type BlobAddress } from "./blobs.ts";
import { RegistryFailure } from "./registry-error.ts";
import { discard } from "./response-failure.ts";
import { waitFor } from "./retry.ts";
import { pullScope, pushScope } from "./scope.ts";
import type { Call, Session } from "./session.ts";
import type { HttpResponse } from "./transport.ts";

/** A blob to be sent, which can be read from any offset. */
export interface UploadSource extends BlobAddress {
  /** The bytes from `start` up to, not including, `end`. */
  open(start: number, end: number): Readable;
  /** Called before the first {@link open}, where the blob is not here yet. */
  readonly fetch?: () => Promise<void>;
}

export interface UploadOptions {
  /** Other repositories of the registry that may have the blob. */
  readonly mountFrom?: readonly string[];
  readonly onProgress?: (sent: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Send in pieces of this size, for registries behind a proxy that takes no more. */
  readonly chunkSize?: number;
}

export type UploadResult = { readonly kind: "exists" } | { readonly kind: "mounted"; readonly from: string } | { readonly kind: "pushed" };

/** Up to this size a blob goes in one PUT. All registries drop what a cut PUT brought; many keep what a cut PATCH did. */
const ONE_PUT = 1 << 20;
/** The size of pieces for servers that refuse the whole. */
const SMALLER = 8 << 20;

/** Brings a blob into a repository in the cheapest way: it is there, it is in another repository, it is sent. */
export async function uploadBlob(session: Session, source: UploadSource, options: UploadOptions = {}): Promise<UploadResult> {
  if (await hasBlob(session, source, { scopes: [pushScope(source.repository)], signal: options.signal })) return { kind: "exists" };
  for (const from of options.mountFrom ?? []) {
    if (from !== source.repository && (await mount(session, source, from, options.signal))) return { kind: "mounted", from };
  }
  await source.fetch?.();
  await send(session, source, options);
  return { kind: "pushed" };
}

/** distribution-spec, Mounting a blob from another repository. Any refusal means: send it. */
async function mount(session: Session, { repository, digest }: UploadSource, from: string, signal: AbortSignal | undefined): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  try {
    const response = await session.request({
      method: "POST",
      target: `/v2/${repository}/blobs/uploads/?${query}`,
      scopes: [pushScope(repository), pullScope(from)],
      accepts: [201, 202],
      doing: `mount blob ${digest} from ${JSON.stringify(from)}`,
      signal,
    });
    await discard(response);
    if (response.status === 202) await cancel(session, repository, response, signal);
    return response.status === 201;
  } catch (error) {
    if (error instanceof RegistryFailure && error.status !== undefined && error.status < 500) return false;
    throw error;
  }
}

/** Gives up the upload that a registry opened instead of mounting. It would end by itself, so failing is no matter. */
async function cancel(session: Session, repository: string, opened: HttpResponse, signal: AbortSignal | undefined): Promise<void> {
  try {
    const target = await locationOf(session, opened);
    await discard(await session.request({ method: "DELETE", target, scopes: [pushScope(repository)], accepts: [200, 202, 204, 404, 405], doing: "cancel an upload", signal, retry: false }));
  } catch {
    signal?.throwIfAborted();
  }
}

/** One upload as far as it has come. */
interface Upload {
  readonly location: URL;
  readonly offset: number;
}

/** Sends a blob; after a cut it goes on where the registry says it stands. */
async function send(session: Session, source: UploadSource, options: UploadOptions): Promise<void> {
  let chunkSize = options.chunkSize ?? Infinity;
  let upload: Upload | undefined;
  let sent = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      upload ??= await start(session, source, options.signal);
      await finish(session, source, { ...options, chunkSize, onPiece: (at) => (upload = at) }, upload);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof RegistryFailure)) throw error;
      if (error.code === "too-large" && chunkSize > SMALLER && source.size > SMALLER) {
        chunkSize = SMALLER;
        upload = undefined;
        continue;
      }
      if (!error.transient || attempt >= session.retries.attempts) throw error;
      await waitFor(error, attempt, session.retries, options.signal);
      upload = upload === undefined ? undefined : await status(session, source, upload, options.signal);
      if ((upload?.offset ?? 0) > sent) attempt = 0;
      sent = upload?.offset ?? 0;
    }
  }
}

async function start(session: Session, source: UploadSource, signal: AbortSignal | undefined): Promise<Upload> {
  return { location: await beginUpload(session, source, signal), offset: 0 };
}

/** What an upload is of, for messages where its digest is not known yet. */
export interface UploadAddress {
  readonly repository: string;
  readonly digest: string;
}

/** Opens an upload and gives its location. Throws RegistryFailure. */
export async function beginUpload(session: Session, address: UploadAddress, signal: AbortSignal | undefined): Promise<URL> {
  const response = await session.request({ ...common(address, "start uploading"), method: "POST", target: `/v2/${address.repository}/blobs/uploads/`, accepts: [202], signal });
  await discard(response);
  return await locationOf(session, response);
}

/** Sends bytes to an upload and gives its next location. Throws RegistryFailure. */
export async function patchUpload(session: Session, address: UploadAddress, { location, body, range, signal }: { readonly location: URL; readonly body: NonNullable<Call["body"]>; readonly range?: string; readonly signal: AbortSignal | undefined }): Promise<URL> {
  const headers = { "content-type": "application/octet-stream", ...(range === undefined ? {} : { "content-range": range }) };
  const response = await session.request({ ...common(address, "upload"), method: "PATCH", target: location, headers, body, accepts: [201, 202, 204], signal, retry: false });
  await discard(response);
  return await locationOf(session, response);
}

/** Makes an upload a blob; `body` is what it lacks, if anything. Throws RegistryFailure. */
export async function endUpload(session: Session, address: UploadAddress, location: URL, signal: AbortSignal | undefined, body?: NonNullable<Call["body"]>): Promise<true> {
  const target = new URL(location);
  target.searchParams.set("digest", address.digest);
  const call: Call = { ...common(address, "upload"), method: "PUT", target, headers: { "content-type": "application/octet-stream" }, accepts: [200, 201, 202, 204], signal, retry: false };
  await discard(await session.request(body === undefined ? call : { ...call, body }));
  return true;
}

/** A small blob is one PUT (distribution-spec, POST then PUT); a large one, one that goes on or goes in pieces is PATCHes and an empty PUT. */
async function finish(session: Session, source: UploadSource, options: UploadOptions & { readonly chunkSize: number; readonly onPiece: (at: Upload) => void }, begun: Upload): Promise<void> {
  let upload = begun;
  const whole = upload.offset === 0 && source.size <= Math.min(ONE_PUT, options.chunkSize);
  while (!whole && upload.offset < source.size) {
    upload = await patch(session, source, options, upload);
    // The registry's word on how far it is may stand in the location itself, so the last one must be asked after a cut.
    options.onPiece(upload);
  }
  await endUpload(session, source, upload.location, options.signal, whole ? bodyOf(source, 0, source.size, options) : undefined);
}

async function patch(session: Session, source: UploadSource, options: UploadOptions & { readonly chunkSize: number }, upload: Upload): Promise<Upload> {
  const end = Math.min(source.size, upload.offset + options.chunkSize);
  // The whole stream in one PATCH goes without a range, as docker sends it and every registry takes it.
  const range = upload.offset === 0 && end === source.size ? {} : { range: `${upload.offset}-${end - 1}` };
  const location = await patchUpload(session, source, { location: upload.location, body: bodyOf(source, upload.offset, end, options), ...range, signal: options.signal });
  return { location, offset: end };
}

/** Where an upload stands after a failure; undefined when it must begin anew. */
async function status(session: Session, source: UploadSource, upload: Upload, signal: AbortSignal | undefined): Promise<Upload | undefined> {
  try {
    const response = await session.request({ ...common(source, "ask how far is"), method: "GET", target: upload.location, accepts: [200, 202, 204], signal, retry: false });
    await discard(response);
    const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.range ?? "")?.[1];
    // "0-0" is written both for nothing and for one byte; one byte more or less is not worth the doubt.
    if (last === undefined || last === "0" || Number(last) >= source.size) return undefined;
    return { location: await locationOf(session, response), offset: Number(last) + 1 };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RegistryFailure) return undefined;
    throw error;
  }
}

function common({ repository, digest }: UploadAddress, verb: string): Pick<Call, "scopes" | "doing"> {
  return { scopes: [pushScope(repository)], doing: `${verb} blob ${digest} to ${JSON.stringify(repository)}` };
}

function bodyOf(source: UploadSource, start: number, end: number, { onProgress }: UploadOptions): NonNullable<Call["body"]> {
  return {
    size: end - start,
    open() {
      let position = start;
      const bytes = source.open(start, end);
      bytes.on("data", (chunk: Buffer) => onProgress?.((position += chunk.length)));
      // Resumed by the pipe, and only then: a listener alone would start the flow too early.
      return bytes.pause();
    },
  };
}

async function locationOf(session: Session, response: HttpResponse): Promise<URL> {
  const location = response.headers.location;
  if (location === undefined) {
    throw new RegistryFailure("bad-response", `upload to registry ${JSON.stringify(session.address.registry)}: its answer names no location`);
  }
  return session.locate(location, response.url);
}
