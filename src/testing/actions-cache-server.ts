import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/**
 * A fake of version 2 of the cache service of GitHub Actions with the storage behind it, as far as their documents and
 * clients say how they behave: the real ones are there for jobs of GitHub alone.
 */
export interface FakeActionsCache extends AsyncDisposable {
  /** What a job's environment says of it. */
  readonly env: { readonly ACTIONS_RESULTS_URL: string; readonly ACTIONS_RUNTIME_TOKEN: string; readonly ACTIONS_CACHE_SERVICE_V2: string };
  /** The keys of what was written whole, the oldest first. */
  keys(): string[];
  /** What was asked, as `CreateCacheEntry KEY` and `PUT block`, since the last time. */
  asked(): string[];
  /** The next read of an entry breaks off after so many bytes. */
  cutNext(after: number): void;
  /** Begins to write an entry, as a job that was killed then. */
  reserve(key: string): void;
  /** Changes the bytes of what was written. */
  spoil(): void;
  forget(): void;
}

interface Entry {
  readonly key: string;
  readonly version: string;
  bytes: Buffer;
  readonly blocks: Map<string, Buffer>;
  finished: boolean;
}

const TOKEN = "a job's token";
const SIGNATURE = "sig=secret%2Fpart";

export async function startFakeActionsCache(): Promise<FakeActionsCache> {
  const entries: Entry[] = [];
  let asked: string[] = [];
  let cut: number | undefined;
  let version = "";
  const place = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const rpc = async (method: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return json(response, 401, { code: "unauthenticated", msg: "the token is not valid" });
    const { key, version: wanted, restore_keys: prefixes = [], size_bytes: size } = JSON.parse((await buffer(request)).toString()) as { key: string; version: string; restore_keys?: string[]; size_bytes?: string };
    asked.push(`${method} ${key}`);
    version = wanted;
    const same = entries.find((entry) => entry.key === key && entry.version === wanted);
    if (method === "CreateCacheEntry") {
      if (same !== undefined) return json(response, 409, { code: "already_exists", msg: "cache entry with the same key, version, and scope already exists" });
      entries.push({ key, version: wanted, bytes: Buffer.alloc(0), blocks: new Map(), finished: false });
      return json(response, 200, { ok: true, signed_upload_url: `${place()}/storage/${entries.length - 1}?${SIGNATURE}` });
    }
    if (method === "FinalizeCacheEntryUpload") {
      if (same === undefined || String(same.bytes.length) !== size) return json(response, 200, { ok: false, message: "the size is another" });
      same.finished = true;
      return json(response, 200, { ok: true, entry_id: "1" });
    }
    const there = entries.filter((entry) => entry.version === wanted && entry.finished);
    const found = there.find((entry) => entry.key === key) ?? there.findLast((entry) => prefixes.some((prefix) => entry.key.startsWith(prefix)));
    return json(response, 200, found === undefined ? { ok: false, signed_download_url: "", matched_key: "" } : { ok: true, signed_download_url: `${place()}/storage/${entries.indexOf(found)}?${SIGNATURE}`, matched_key: found.key });
  };

  const storage = async (url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const entry = entries[Number(url.pathname.split("/").at(-1))]!;
    if (url.searchParams.get("sig") !== "secret/part") return xml(response, 403, "AuthenticationFailed", "the signature is not valid");
    if (request.method === "PUT") return await put(entry, url, request, response);
    asked.push("GET");
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "bytes=0-")![1]);
    const bytes = entry.bytes.subarray(start);
    response.writeHead(request.headers.range === undefined ? 200 : 206, { "content-length": bytes.length, ...(request.headers.range === undefined ? {} : { "content-range": `bytes ${start}-${entry.bytes.length - 1}/${entry.bytes.length}` }) });
    if (cut === undefined || bytes.length <= cut) return void response.end(bytes);
    response.write(bytes.subarray(0, cut), () => response.destroy());
    cut = undefined;
  };

  const put = async (entry: Entry, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const part = url.searchParams.get("comp");
    asked.push(`PUT ${part ?? "blob"}`);
    if (request.headers["x-ms-blob-type"] !== (part === null ? "BlockBlob" : undefined)) return xml(response, 400, "InvalidHeaderValue", "x-ms-blob-type is for whole blobs, and for them required");
    if (part === "block") entry.blocks.set(url.searchParams.get("blockid")!, body);
    else if (part === "blocklist") entry.bytes = Buffer.concat([...body.toString().matchAll(/<Latest>([^<]*)<\/Latest>/g)].map(([, id]) => entry.blocks.get(id!)!));
    else entry.bytes = body;
    response.writeHead(201).end();
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://x");
    const method = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(url.pathname)?.[1];
    void (method === undefined ? storage(url, request, response) : rpc(method, request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    env: { ACTIONS_RESULTS_URL: `${place()}/`, ACTIONS_RUNTIME_TOKEN: TOKEN, ACTIONS_CACHE_SERVICE_V2: "True" },
    keys: () => entries.filter(({ finished }) => finished).map(({ key }) => key),
    asked() {
      const since = asked;
      asked = [];
      return since;
    },
    cutNext: (after) => void (cut = after),
    reserve: (key) => void entries.push({ key, version, bytes: Buffer.alloc(0), blocks: new Map(), finished: false }),
    spoil: () => entries.filter(({ key }) => key.includes("-blob-")).forEach((entry) => (entry.bytes = Buffer.from(entry.bytes).fill(0, entry.bytes.length - 4))),
    forget: () => void entries.splice(0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function xml(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "content-type": "application/xml" }).end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}
