import { addressOf, type Address } from "./address.ts";
import { Authorizer } from "./authorizer.ts";
import type { Credential } from "./credentials/credential.ts";
import { findCredential } from "./credentials/credentials.ts";
import { RegistryFailure } from "./registry-error.ts";
import { discard, responseFailure } from "./response-failure.ts";
import { PATIENT, withRetries, type RetryOptions } from "./retry.ts";
import type { Secret } from "./secret.ts";
import { fetchToken } from "./token.ts";
import { Transport, type HttpRequest, type HttpResponse, type RequestBody } from "./transport.ts";

export interface SessionOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Accept plain HTTP and unknown certificates from this registry. */
  readonly insecure?: boolean | undefined;
  /** Instead of the one that docker's config has for the registry. */
  readonly credential?: Credential | undefined;
  /** Ask token servers for an identity token. */
  readonly offline?: boolean | undefined;
  readonly retries?: Partial<RetryOptions> | undefined;
  readonly clock?: (() => number) | undefined;
  /** Milliseconds of silence after which an exchange is given up. */
  readonly patience?: number | undefined;
}

/** One request of the protocol. */
export interface Call {
  readonly method: HttpRequest["method"];
  /** Below the registry's root (`/v2/…`), or a URL that it gave us. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** What a token must allow: `repository:me/app:pull`. */
  readonly scopes: readonly string[];
  /** The statuses that the caller understands; any other is thrown. */
  readonly accepts: readonly number[];
  /** Verb and noun for messages: `read manifest "debian:bookworm"`. */
  readonly doing: string;
  readonly signal?: AbortSignal | undefined;
  /** False where the caller repeats by itself. */
  readonly retry?: boolean;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;
const PATIENCE_MS = 60_000;
/** A registry may move a large upload to its final place before it answers. */
const UPLOAD_PATIENCE_MS = 300_000;
const PROBE_PATIENCE_MS = 5_000;

/** A registry as one user sees it. Release it to close its connections. */
export class Session implements Disposable {
  readonly address: Address;
  /** For loops that repeat a request in parts. */
  readonly retries: RetryOptions;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #options: SessionOptions;
  readonly #clock: () => number;
  #base: Promise<URL> | undefined;
  #identity: Secret | undefined;

  constructor(registry: string, options: SessionOptions) {
    this.address = addressOf(registry, { env: options.env, insecure: options.insecure === true });
    this.retries = { ...PATIENT, ...options.retries };
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#transport = new Transport(this.address, options.env);
    this.#authorizer = new Authorizer({
      credential: async () => options.credential ?? (await findCredential(options.env, registry)),
      fetchToken: (challenge, scopes, credential) => this.#fetchToken(challenge, scopes, credential),
      clock: this.#clock,
    });
  }

  /** What a token server gave us in place of the password, if it did. */
  get identity(): Secret | undefined {
    return this.#identity;
  }

  /** Sends a request and resolves to an answer with one of the statuses the call accepts; its body must be read to the end. */
  async request(call: Call): Promise<HttpResponse> {
    return withRetries(() => this.#attempt(call), call.retry === false ? { ...this.retries, attempts: 1 } : this.retries, call.signal);
  }

  /** A URL from a Location header: relative to `from`, and on the registry's own host never with less protection than we have. */
  async locate(location: string, from: URL): Promise<URL> {
    if (!URL.canParse(location, from)) {
      throw new RegistryFailure("bad-response", `follow registry ${JSON.stringify(this.address.registry)}: it names the location ${JSON.stringify(location.slice(0, 200))}, which is no URL`);
    }
    const url = new URL(location, from);
    const base = await this.#root();
    // A proxy that ends TLS often leaves "http:" in the registry's own URLs.
    if (url.host === base.host) url.protocol = base.protocol;
    if (url.protocol !== "https:" && base.protocol === "https:") {
      throw new RegistryFailure("redirects", `follow registry ${JSON.stringify(this.address.registry)}: it sends us to ${JSON.stringify(url.origin)}, wanted https`);
    }
    return url;
  }

  [Symbol.dispose](): void {
    this.#transport.close();
  }

  async #attempt(call: Call): Promise<HttpResponse> {
    const url = typeof call.target === "string" ? new URL(call.target, await this.#root(call.signal)) : call.target;
    const response = await this.#authorized(call, url);
    if (call.accepts.includes(response.status)) return response;
    throw await responseFailure(response, { doing: call.doing, registry: this.address.registry, now: this.#clock() });
  }

  /** Answers a challenge twice at most: once with what we have, once with a new token. */
  async #authorized(call: Call, url: URL): Promise<HttpResponse> {
    let authorization = await this.#authorizer.header(call.scopes);
    for (let round = 0; ; round += 1) {
      const response = await this.#followed(call, url, authorization);
      const base = await this.#root();
      if (response.status !== 401 || round === 2 || response.url.origin !== base.origin) return response;
      const better = await this.#authorizer.renew(response.headers["www-authenticate"], call.scopes, authorization);
      if (better === undefined) return response;
      await discard(response);
      authorization = better;
    }
  }

  /** Follows redirects; the Authorization header goes to the registry's own origin only. */
  async #followed(call: Call, start: URL, authorization: string | undefined): Promise<HttpResponse> {
    const base = await this.#root();
    let url = start;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
      const trusted = authorization !== undefined && url.origin === base.origin;
      const response = await this.#transport.send({
        method: call.method,
        url,
        headers: { ...call.headers, ...(trusted ? { authorization } : {}) },
        body: call.body,
        signal: call.signal,
        patience: this.#options.patience ?? (call.body === undefined ? PATIENCE_MS : UPLOAD_PATIENCE_MS),
      });
      const location = response.headers.location;
      if (!REDIRECTS.has(response.status) || location === undefined || call.accepts.includes(response.status)) return response;
      await discard(response);
      url = await this.locate(location, url);
    }
    throw new RegistryFailure("redirects", `${call.doing}: the registry redirects more than ${MOST_REDIRECTS} times`);
  }

  /** The registry's root URL. As docker: HTTPS, and where a registry may be insecure and does not speak TLS, HTTP. */
  #root(signal?: AbortSignal): Promise<URL> {
    if (this.#base === undefined) {
      const base = this.#findRoot(signal);
      base.catch(() => (this.#base = undefined));
      this.#base = base;
    }
    return this.#base;
  }

  async #findRoot(signal: AbortSignal | undefined): Promise<URL> {
    const secure = new URL(`https://${this.address.host}/`);
    if (!this.address.insecure) return secure;
    try {
      await discard(await this.#transport.send({ method: "GET", url: new URL("/v2/", secure), headers: {}, signal, patience: Math.min(PROBE_PATIENCE_MS, this.#options.patience ?? PROBE_PATIENCE_MS) }));
      return secure;
    } catch (error) {
      const refused = error instanceof RegistryFailure && error.code === "unreachable" && !error.transient && secure.port !== "";
      if (!(error instanceof RegistryFailure) || error.code === "bad-certificate" || refused) throw error;
      return new URL(`http://${this.address.host}/`);
    }
  }

  async #fetchToken(challenge: Parameters<typeof fetchToken>[0], scopes: readonly string[], credential: Credential | undefined) {
    const base = await this.#root();
    const token = await fetchToken(challenge, scopes, credential, {
      registry: this.address.registry,
      send: (request) => this.#transport.send(request),
      clock: this.#clock,
      plain: base.protocol === "http:",
      patience: this.#options.patience ?? PATIENCE_MS,
      offline: this.#options.offline === true,
    });
    this.#identity = token.identity ?? this.#identity;
    return token;
  }
}
