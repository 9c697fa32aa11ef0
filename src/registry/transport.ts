import * as http from "node:http";
import * as https from "node:https";
import type { Readable } from "node:stream";
import { hostName, isLoopback, type Address } from "./address.ts";
import { secureContext } from "./certificates.ts";
import { connectionFailure } from "./connection-failure.ts";

/** What a request carries: opened anew each time it is sent. */
export interface RequestBody {
  /** Bytes; without it the body goes in chunks until it ends (RFC 9112, 7.1). */
  readonly size?: number;
  open(): Readable | Buffer;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte in either direction after which the exchange is given up. */
  readonly patience: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Where it came from, after redirects. */
  readonly url: URL;
  readonly body: http.IncomingMessage;
}

/** Bodies above this size wait for the server's consent (RFC 9110, 10.1.1): a 401, 413 or redirect then costs no upload. */
const ASK_FIRST = 1 << 20;
/** Servers that do not know `Expect` say nothing; then the body is sent all the same. */
const CONSENT_MS = 1000;

/** Exchanges single HTTP requests for responses over kept connections. Knows no retries, redirects or credentials. */
export class Transport {
  readonly #address: Address;
  readonly #env: NodeJS.ProcessEnv;
  readonly #agents = new Map<string, http.Agent>();

  constructor(address: Address, env: NodeJS.ProcessEnv) {
    this.#address = address;
    this.#env = env;
  }

  /** Resolves when the response's headers are here. Throws RegistryFailure, or the signal's reason. */
  send(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal } = request;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const module = url.protocol === "https:" ? https : http;
      const { length, ask } = framing(request);
      const outgoing = module.request(url, {
        method: request.method,
        agent: this.#agent(url),
        headers: { "user-agent": "laminate", "accept-encoding": "identity", ...length, ...request.headers },
        ...(signal === undefined ? {} : { signal }),
      });
      outgoing.setTimeout(request.patience, () => outgoing.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
      outgoing.on("response", (body) => resolve({ status: body.statusCode ?? 0, headers: body.headers, url, body }));
      // Stays for the life of the request: after the response, an upload that was cut short may still fail here.
      outgoing.on("error", (error) => reject(signal?.aborted === true ? signal.reason : connectionFailure(error, { address: this.#address, url, reused: outgoing.reusedSocket, proxy: proxyFor(url, this.#env) })));
      sendBody(outgoing, request.body, ask);
    });
  }

  /** Closes all connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agent(url: URL): http.Agent {
    const known = this.#agents.get(url.origin);
    if (known !== undefined) return known;
    // Go, and so docker, never uses a proxy for loopback.
    const proxy = isLoopback(hostName(url.host)) ? {} : { proxyEnv: this.#env };
    const common = { keepAlive: true, maxSockets: 16, ...proxy };
    const agent = url.protocol === "https:" ? new https.Agent({ ...common, ...this.#tls(url) }) : new http.Agent(common);
    this.#agents.set(url.origin, agent);
    return agent;
  }

  /** Only the registry itself may be insecure, not where it redirects to. */
  #tls(url: URL): https.AgentOptions {
    const insecure = url.host === this.#address.host && this.#address.insecure;
    return { secureContext: secureContext(url.host, this.#env), ...(insecure ? { rejectUnauthorized: false } : {}) };
  }
}

/** The proxy that the environment has for a URL's scheme. */
function proxyFor({ protocol }: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const name = protocol === "https:" ? "https_proxy" : "http_proxy";
  const text = [env[name], env[name.toUpperCase()]].find((each) => each !== undefined && each !== "");
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
}

function framing({ method, body }: HttpRequest): { readonly length: Record<string, string>; readonly ask: boolean } {
  if (body === undefined) return { length: method === "GET" || method === "HEAD" ? {} : { "content-length": "0" }, ask: false };
  const ask = body.size === undefined || body.size > ASK_FIRST;
  const length = body.size === undefined ? { "transfer-encoding": "chunked" } : { "content-length": String(body.size) };
  return { length: { ...length, ...(ask ? { expect: "100-continue" } : {}) }, ask };
}

function sendBody(outgoing: http.ClientRequest, body: RequestBody | undefined, ask: boolean): void {
  if (body === undefined) {
    outgoing.end();
    return;
  }
  if (!ask) {
    pour(outgoing, body);
    return;
  }
  let decided = false;
  const decide = (send: boolean): void => {
    clearTimeout(timer);
    if (send && !decided) pour(outgoing, body);
    decided = true;
  };
  const timer = setTimeout(() => decide(true), CONSENT_MS);
  outgoing.once("continue", () => decide(true));
  outgoing.once("response", () => decide(false));
  outgoing.once("close", () => decide(false));
  outgoing.flushHeaders();
}

function pour(outgoing: http.ClientRequest, body: RequestBody): void {
  const bytes = body.open();
  if (Buffer.isBuffer(bytes)) {
    outgoing.end(bytes);
    return;
  }
  bytes.on("error", (error) => outgoing.destroy(error));
  outgoing.once("close", () => bytes.destroy());
  bytes.pipe(outgoing);
}
