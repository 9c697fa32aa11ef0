import type { ContentStore } from "../../store/content/content-store.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { Leases } from "../../store/leases.ts";
import type { RecordStore } from "../../store/records.ts";
import { reasonOf } from "../../base/failure.ts";
import { isCount, isText, nullable, objectOf } from "../../base/shape.ts";
import { withoutPassword } from "../../base/without-password.ts";
import { ExecuteError } from "../execute-error.ts";

/** A file behind a URL, in the content store. */
export interface Download {
  readonly digest: Digest;
  readonly size: number;
  /** The last component of the URL's path. */
  readonly name: string;
  /** Nanoseconds since the epoch, from Last-Modified. */
  readonly mtime: bigint | undefined;
}

export interface DownloadOptions {
  readonly content: ContentStore;
  readonly records: RecordStore;
  readonly leases: Leases;
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: (current: number, total: number | undefined, done: boolean) => void;
}

const TABLE = "downloads";

interface Known {
  readonly digest: Digest;
  readonly size: number;
  readonly etag: string | null;
  readonly modified: string | null;
}

const isKnown = objectOf<Known>({ digest: isDigest, size: isCount, etag: nullable(isText), modified: nullable(isText) });

/**
 * Fetches an http(s) URL into the content store, asking the server first whether what is here still holds
 * (RFC 9110, 13.1, conditional requests). Throws {@link ExecuteError}.
 */
export async function download(url: string, options: DownloadOptions): Promise<Download> {
  const { content, records, leases, signal, env } = options;
  const shown = withoutPassword(url);
  const known = records.get(TABLE, shown, isKnown);
  if (known !== undefined) leases.hold(known.digest);
  const usable = known !== undefined && content.has(known.digest) ? known : undefined;
  const headers: Record<string, string> = {};
  if (usable?.etag) headers["if-none-match"] = usable.etag;
  else if (usable?.modified) headers["if-modified-since"] = usable.modified;
  try {
    const response = await (await import("./get-url.ts")).getUrl(url, { signal, headers, env });
    const { statusCode = 0 } = response;
    if (statusCode === 304 && usable !== undefined) {
      response.destroy();
      return downloaded(url, usable);
    }
    if (statusCode < 200 || statusCode > 299) {
      response.destroy();
      throw new ExecuteError("download-failed", `download ${JSON.stringify(shown)}: invalid response status ${statusCode}`);
    }
    const total = Number(response.headers["content-length"] ?? Number.NaN);
    const blob = await content.ingest(counted(response, Number.isFinite(total) ? total : undefined, options));
    const fresh: Known = { ...blob, etag: response.headers.etag ?? null, modified: response.headers["last-modified"] ?? null };
    records.put(TABLE, shown, { ...fresh });
    return downloaded(url, fresh);
  } catch (error) {
    if (signal.aborted || error instanceof ExecuteError) {
      throw error;
    }
    const cause = error instanceof Error && error.cause !== undefined ? `: ${reasonOf(error.cause)}` : "";
    throw new ExecuteError("download-failed", `download ${JSON.stringify(shown)}: ${reasonOf(error)}${cause}`, { cause: error });
  }
}

function downloaded(url: string, { digest, size, modified }: Known): Download {
  const seconds = modified === null ? Number.NaN : Date.parse(modified);
  return { digest, size, name: nameOf(url), mtime: Number.isFinite(seconds) ? BigInt(seconds) * 1_000_000n : undefined };
}

function nameOf(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  return last === "" ? "__unnamed__" : decodeURIComponent(last).replaceAll("/", "_");
}

async function* counted(body: AsyncIterable<Uint8Array>, total: number | undefined, { progress }: DownloadOptions): AsyncIterable<Buffer> {
  let current = 0;
  for await (const chunk of body) {
    current += chunk.length;
    progress(current, total, false);
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  progress(current, current, true);
}
