import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { AwsV4Signer } from "aws4fetch";
import { together } from "../../base/together.ts";
import { openBlobBody, type BlobBody } from "../../registry/blob-body.ts";
import { readBody } from "../../registry/read-body.ts";
import { RegistryFailure } from "../../registry/registry-error.ts";
import type { Secret } from "../../registry/secret.ts";
import type { RequestBody } from "../../registry/transport.ts";
import { ObjectServer, type ObjectCall } from "../object-server.ts";
import { partsOf, SentParts, type Part } from "../upload-parts.ts";
import { readXmlError, xmlText } from "../xml-answer.ts";

/** A bucket, and who asks for it. */
export interface BucketAddress {
  readonly bucket: string;
  readonly region: string;
  /** Where another server than Amazon's is. */
  readonly endpoint?: string;
  /** The bucket's name stands in the path of a URL, not before the host's. */
  readonly pathStyle: boolean;
  /** Without them requests are not signed, as a public bucket allows. */
  readonly credentials?: { readonly accessKey: string; readonly secretKey: Secret; readonly sessionToken?: Secret };
}

/** How a bucket is reached: the environment names proxies and certificates. */
export interface BucketOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly onRetry: (failure: RegistryFailure, ms: number) => void;
}

/** What is to become an object. */
export interface NewObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Of all bytes, in hex; the server checks it. */
  readonly sha256: string;
  open(start: number, end: number): Readable;
  readonly onProgress: (sent: number) => void;
}

/** Above this an object goes in parts of that size: S3 takes at most 10,000, each of 5 MiB or more but the last. */
const PART = 16 << 20;
const MOST_PARTS = 10_000;
const PARTS_AT_ONCE = 3;
/** S3's own limit on a copy in one request. */
const LARGEST_COPY = 5 * 2 ** 30;
const MOST_ANSWER = 1 << 20;
const EMPTY = createHash("sha256").digest("hex");

/** The objects of a bucket of Amazon S3 or of a server that speaks its protocol (S3 API reference, signature version 4). Throws RegistryFailure. */
export class Bucket implements Disposable {
  readonly #address: BucketAddress;
  readonly #root: URL;
  readonly #server: ObjectServer;

  constructor(address: BucketAddress, { env, onRetry }: BucketOptions) {
    this.#address = address;
    this.#root = rootOf(address);
    this.#server = new ObjectServer(this.#root, { env, service: "S3 server", retries: { onRetry }, read: readXmlError });
  }

  get retries() {
    return this.#server.retries;
  }

  /** An object's size and when it was written, milliseconds since the epoch; undefined where there is none. */
  async look(key: string, signal: AbortSignal): Promise<{ readonly size: number; readonly modified: number } | undefined> {
    // Without the right to list, S3 says 403 of what is not there; if it is about more, what follows says so, with a reason.
    const { status, headers } = await this.#server.send(this.#call({ method: "HEAD", key, accepts: [200, 403, 404], doing: "look up", signal }));
    return status === 200 ? { size: Number(headers["content-length"] ?? -1), modified: Date.parse(headers["last-modified"] ?? "") } : undefined;
  }

  /** A small object's bytes; undefined where there is none. */
  async read(key: string, most: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const call = this.#call({ method: "GET", key, accepts: [200, 404], doing: "read", signal });
    const response = await this.#server.request(call);
    const bytes = await readBody(response, most, call.doing, this.#server.name);
    if (response.status === 200) return bytes;
    const { reason, said } = readXmlError(bytes.toString("utf8"));
    if (reason === "NoSuchBucket") throw new RegistryFailure("not-found", `${call.doing}: ${said}`);
    return undefined;
  }

  /** An object's bytes from `offset` on: see openBlobBody. */
  async open(key: string, size: number, { offset, signal }: { readonly offset?: number; readonly signal: AbortSignal }): Promise<BlobBody> {
    const doing = doingOf("read", this.#address, key);
    return await openBlobBody({ size, offset, signal, doing, server: this.#server.name, get: (headers, accepts) => this.#server.request(this.#call({ method: "GET", key, accepts, headers, doing: "read", signal })) });
  }

  async put(object: NewObject, signal: AbortSignal): Promise<void> {
    const parts = partsOf(object.size, { partSize: PART, most: MOST_PARTS });
    const sent = new SentParts(object.onProgress);
    if (parts.length > 1) return await this.#putParts(object, parts, sent, signal);
    const body = sent.body(parts[0] ?? { number: 1, start: 0, end: 0 }, (start, end) => object.open(start, end));
    await this.#server.send(this.#call({ method: "PUT", key: object.key, accepts: [200], sha256: object.sha256, body, doing: "write", signal }));
  }

  /** Makes an object as young as a new one, for rules that remove old ones. */
  async touch(key: string, size: number, signal: AbortSignal): Promise<void> {
    if (size > LARGEST_COPY) return;
    const headers = { "x-amz-copy-source": `/${this.#address.bucket}/${encodeURI(key).replaceAll(/[+?#]/g, encodeURIComponent)}`, "x-amz-metadata-directive": "REPLACE" };
    const call = this.#call({ method: "PUT", key, accepts: [200], headers, doing: "renew", signal });
    this.#check(await readBody(await this.#server.request(call), MOST_ANSWER, call.doing, this.#server.name), call.doing);
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }

  async #putParts(object: NewObject, parts: readonly Part[], sent: SentParts, signal: AbortSignal): Promise<void> {
    const { key } = object;
    const begin = this.#call({ method: "POST", key, query: "uploads=", accepts: [200], doing: "begin to write", signal });
    const upload = xmlText((await readBody(await this.#server.request(begin), MOST_ANSWER, begin.doing, this.#server.name)).toString("utf8"), "UploadId");
    if (upload === undefined) throw new RegistryFailure("bad-response", `${begin.doing}: ${this.#server.name}'s answer names no upload`);
    const of = `uploadId=${encodeURIComponent(upload)}`;
    try {
      const tags: string[] = [];
      await together(parts, { atOnce: PARTS_AT_ONCE, signal }, async (part, stop) => {
        const sha256 = await hashOf(object.open(part.start, part.end));
        const { headers } = await this.#server.send(this.#call({ method: "PUT", key, query: `partNumber=${part.number}&${of}`, accepts: [200], sha256, body: sent.body(part, (start, end) => object.open(start, end)), doing: "write", signal: stop }));
        tags[part.number - 1] = headers.etag ?? "";
      });
      const list = Buffer.from(`<CompleteMultipartUpload>${tags.map((tag, place) => `<Part><PartNumber>${place + 1}</PartNumber><ETag>${tag.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</ETag></Part>`).join("")}</CompleteMultipartUpload>`);
      const end = this.#call({ method: "POST", key, query: of, accepts: [200], ...given(list), doing: "end writing", signal });
      this.#check(await readBody(await this.#server.request(end), MOST_ANSWER, end.doing, this.#server.name), end.doing);
    } catch (error) {
      // Parts of an upload that nobody ends are paid for; that they cannot be dropped is not what is to be told.
      await this.#server.send(this.#call({ method: "DELETE", key, query: of, accepts: [204, 200, 404], doing: "give up writing", signal: AbortSignal.timeout(5000) })).catch(() => undefined);
      throw error;
    }
  }

  /** S3 may begin to answer "200" before it knows, and say in the body that it failed. */
  #check(answer: Buffer, doing: string): void {
    const text = answer.toString("utf8");
    if (!/<Error>/.test(text)) return;
    const { said } = readXmlError(text);
    throw new RegistryFailure("server-error", `${doing}: ${said ?? `${this.#server.name} could not`}`);
  }

  #call({ key, query, sha256 = EMPTY, headers = {}, doing, ...call }: BucketCall): ObjectCall {
    const url = new URL(`${this.#root.href}${encoded(key)}${query === undefined ? "" : `?${query}`}`);
    return { ...call, url, headers: () => this.#signed(call.method, url, { ...headers, "x-amz-content-sha256": sha256 }), doing: doingOf(doing, this.#address, key) };
  }

  async #signed(method: string, url: URL, headers: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
    const { credentials, region } = this.#address;
    if (credentials === undefined) return headers;
    const { accessKey, secretKey, sessionToken } = credentials;
    const signer = new AwsV4Signer({ method, url: url.href, headers, service: "s3", region, accessKeyId: accessKey, secretAccessKey: secretKey.reveal(), ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }) });
    return Object.fromEntries((await signer.sign()).headers);
  }
}

interface BucketCall extends Pick<ObjectCall, "method" | "accepts" | "doing" | "signal"> {
  readonly key: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the body, in hex. */
  readonly sha256?: string;
  readonly body?: RequestBody;
}

function given(bytes: Buffer): Pick<BucketCall, "sha256" | "body"> {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), body: { size: bytes.length, open: () => bytes } };
}

function doingOf(verb: string, { bucket }: BucketAddress, key: string): string {
  return `${verb} s3://${bucket}/${key}`;
}

function encoded(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}

/** Where a bucket's keys begin (S3 user guide, Virtual hosting of buckets). A name with dots would fit no certificate. */
function rootOf({ bucket, region, endpoint, pathStyle }: BucketAddress): URL {
  const root = new URL(endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`);
  root.pathname = root.pathname.replace(/\/*$/, "/");
  if (pathStyle || (bucket.includes(".") && root.protocol === "https:")) root.pathname += `${bucket}/`;
  else root.host = `${bucket}.${root.host}`;
  return root;
}

async function hashOf(bytes: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
