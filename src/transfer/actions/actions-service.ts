import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { together } from "../../base/together.ts";
import { openBlobBody, type BlobBody } from "../../registry/blob-body.ts";
import { readBody } from "../../registry/read-body.ts";
import { RegistryFailure } from "../../registry/registry-error.ts";
import type { Said } from "../../registry/response-failure.ts";
import type { Secret } from "../../registry/secret.ts";
import type { RequestBody } from "../../registry/transport.ts";
import { ObjectServer } from "../object-server.ts";
import { partsOf, SentParts } from "../upload-parts.ts";
import { readXmlError } from "../xml-answer.ts";

/** The cache service of a job, and what lets us in: ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN. */
export interface ActionsAddress {
  readonly url: string;
  readonly token: Secret;
}

/** How the service is reached: the environment names proxies and certificates. */
export interface ActionsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly onRetry: (failure: RegistryFailure, ms: number) => void;
}

/** An entry of the service: a name that is written once. */
export interface ActionsEntry {
  readonly key: string;
  /** Whoever has it may read the entry: it is in no message. */
  readonly url: URL;
}

/** What is to become an entry. */
export interface NewEntry {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  open(start: number, end: number): Readable;
  readonly onProgress: (sent: number) => void;
}

const SERVICE = "twirp/github.actions.results.api.v1.CacheService";
const MOST_ANSWER = 1 << 20;
/** Above this a blob goes in blocks of that size; Azure takes at most 50,000 (Put Block). */
const BLOCK = 16 << 20;
const MOST_BLOCKS = 50_000;
const BLOCKS_AT_ONCE = 3;
/** How long another job's upload of an entry is waited for. Milliseconds. */
const WAITS = [1000, 2000, 4000, 8000, 15_000];

/**
 * Version 2 of the cache service of GitHub Actions: Twirp calls in JSON, which give signed URLs of blobs in Azure's
 * storage (actions/toolkit, packages/cache; Azure REST, Put Blob, Put Block, Put Block List). Throws RegistryFailure.
 */
export class ActionsService implements Disposable {
  readonly #address: ActionsAddress;
  readonly #version: string;
  readonly #server: ObjectServer;

  /** `version` separates our entries from those of other programs. */
  constructor(address: ActionsAddress, version: string, { env, onRetry }: ActionsOptions) {
    this.#address = address;
    this.#version = version;
    this.#server = new ObjectServer(new URL(address.url), { env, service: "cache service", retries: { onRetry }, read: readError, hint: (code) => (code === "unauthorized" || code === "denied" ? "its token holds for the job that it was given to" : undefined) });
  }

  get retries() {
    return this.#server.retries;
  }

  /** The entry of this key, or the youngest whose key begins with `prefix`. */
  async find(key: string, signal: AbortSignal, prefix?: string): Promise<ActionsEntry | undefined> {
    const doing = `look up ${key}`;
    const { answer } = await this.#call("GetCacheEntryDownloadURL", { key, restore_keys: prefix === undefined ? [] : [prefix], version: this.#version }, { doing, signal });
    const matched = textIn(answer, "matched_key", "matchedKey");
    if (answer["ok"] !== true || matched === undefined || (prefix === undefined ? matched !== key : !matched.startsWith(prefix))) return undefined;
    return { key: matched, url: urlIn(answer, "signed_download_url", "signedDownloadUrl", doing) };
  }

  /** Reads a small entry whole. */
  async read({ key, url }: ActionsEntry, most: number, signal: AbortSignal): Promise<Buffer> {
    const doing = `read ${key}`;
    return await readBody(await this.#server.request({ method: "GET", url, headers: () => ({}), accepts: [200], doing, signal }), most, doing, this.#server.name);
  }

  /** An entry's bytes from `offset` on: see openBlobBody. */
  async open(key: string, size: number, { offset, signal }: { readonly offset?: number; readonly signal: AbortSignal }): Promise<BlobBody> {
    const entry = await this.find(key, signal); // anew each time: its URL holds for minutes
    const doing = `read ${key}`;
    if (entry === undefined) throw new RegistryFailure("not-found", `${doing}: ${this.#server.name} does not have it any more`);
    return await openBlobBody({ size, offset, signal, doing, server: this.#server.name, get: (headers, accepts) => this.#server.request({ method: "GET", url: entry.url, headers: () => headers, accepts, doing, signal }) });
  }

  /** Writes an entry. One that another job is writing is waited for. */
  async save(entry: NewEntry, signal: AbortSignal): Promise<void> {
    const { key, size } = entry;
    const version = this.#version;
    const doing = `write ${key}`;
    const { status, answer } = await this.#call("CreateCacheEntry", { key, version }, { doing, signal, conflict: true });
    if (status === 409) return await this.#await(key, signal);
    if (answer["ok"] !== true) throw new RegistryFailure("bad-response", `${doing}: ${this.#server.name} did not take it${saidIn(answer)}`);
    await this.#upload(urlIn(answer, "signed_upload_url", "signedUploadUrl", doing), entry, signal);
    const finished = await this.#call("FinalizeCacheEntryUpload", { key, version, size_bytes: String(size) }, { doing, signal });
    if (finished.answer["ok"] !== true) throw new RegistryFailure("bad-response", `${doing}: ${this.#server.name} did not keep it${saidIn(finished.answer)}`);
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }

  async #await(key: string, signal: AbortSignal): Promise<void> {
    for (const wait of WAITS) {
      if ((await this.find(key, signal)) !== undefined) return;
      await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    throw new RegistryFailure("bad-response", `write ${key}: another job began to write it and has not ended`);
  }

  async #upload(url: URL, { key, size, open, onProgress }: NewEntry, signal: AbortSignal): Promise<void> {
    const blocks = partsOf(size, { partSize: BLOCK, most: MOST_BLOCKS });
    const sent = new SentParts(onProgress);
    const doing = `write ${key}`;
    // The type belongs to a blob that is put whole; with it a list of blocks would be taken for the blob itself.
    const put = (query: string, body: RequestBody, stop: AbortSignal) => this.#server.send({ method: "PUT", url: withQuery(url, query), headers: () => ({ ...(query === "" ? { "x-ms-blob-type": "BlockBlob" } : {}), "content-type": "application/octet-stream" }), body, accepts: [201], doing, signal: stop });
    if (blocks.length <= 1) {
      await put("", sent.body(blocks[0] ?? { number: 1, start: 0, end: 0 }, open), signal);
      return;
    }
    await together(blocks, { atOnce: BLOCKS_AT_ONCE, signal }, async (block, stop) => void (await put(`comp=block&blockid=${encodeURIComponent(blockId(block.number))}`, sent.body(block, open), stop)));
    const list = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks.map(({ number }) => `<Latest>${blockId(number)}</Latest>`).join("")}</BlockList>`);
    await put("comp=blocklist", { size: list.length, open: () => list }, signal);
  }

  async #call(method: string, message: object, { doing, signal, conflict = false }: { readonly doing: string; readonly signal: AbortSignal; readonly conflict?: boolean }): Promise<{ readonly status: number; readonly answer: Readonly<Record<string, unknown>> }> {
    const body = Buffer.from(JSON.stringify(message));
    const headers = () => ({ authorization: `Bearer ${this.#address.token.reveal()}`, "content-type": "application/json" });
    const url = new URL(`${this.#address.url.replace(/\/*$/, "/")}${SERVICE}/${method}`);
    const response = await this.#server.request({ method: "POST", url, headers, body: { size: body.length, open: () => body }, accepts: conflict ? [200, 409] : [200], doing, signal });
    const text = (await readBody(response, MOST_ANSWER, doing, this.#server.name)).toString("utf8");
    return { status: response.status, answer: membersIn(text) ?? {} };
  }
}

/** Of one length for all blocks of a blob, as Azure wants it. */
function blockId(number: number): string {
  return Buffer.from(String(number).padStart(8, "0")).toString("base64");
}

function withQuery(url: URL, query: string): URL {
  const more = new URL(url);
  if (query !== "") more.search = `${url.search === "" ? "?" : `${url.search}&`}${query}`;
  return more;
}

/** Twirp says `{"code","msg"}`, Azure's storage XML. */
function readError(body: string): Said {
  const members = membersIn(body);
  if (members === undefined) return readXmlError(body);
  const [reason, message] = [textIn(members, "code"), textIn(members, "msg", "message")];
  const said = [reason, message].filter((part) => part !== undefined).join(": ");
  return { ...(reason === undefined ? {} : { reason }), ...(said === "" ? {} : { said }) };
}

function saidIn(answer: Readonly<Record<string, unknown>>): string {
  const message = textIn(answer, "message");
  return message === undefined ? "" : `: ${message.slice(0, 500)}`;
}

function membersIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A text under one of the two names that JSON of protobuf has for a field. */
function textIn(members: Readonly<Record<string, unknown>>, ...names: readonly string[]): string | undefined {
  return names.map((name) => members[name]).find((value) => typeof value === "string" && value !== "") as string | undefined;
}

function urlIn(members: Readonly<Record<string, unknown>>, name: string, other: string, doing: string): URL {
  const text = textIn(members, name, other);
  if (text === undefined || !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new RegistryFailure("bad-response", `${doing}: the cache service's answer names no URL`);
  return new URL(text);
}
