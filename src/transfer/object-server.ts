import { serverAddress } from "../registry/address.ts";
import type { RegistryFailure, RegistryFailureCode } from "../registry/registry-error.ts";
import { answerFailure, discard, type Said } from "../registry/response-failure.ts";
import { PATIENT, withRetries, type RetryOptions } from "../registry/retry.ts";
import { Transport, type HttpRequest, type HttpResponse, type RequestBody } from "../registry/transport.ts";

/** What tells one such server from another. */
export interface ObjectServerOptions {
  readonly env: NodeJS.ProcessEnv;
  /** What it is, for messages: `S3 server`. */
  readonly service: string;
  readonly retries?: Partial<RetryOptions>;
  /** What the body of an error answer says. */
  readonly read: (body: string) => Said;
  readonly hint?: (code: RegistryFailureCode) => string | undefined;
}

/** A request, with the answers that are no failure. */
export interface ObjectCall {
  readonly method: HttpRequest["method"];
  readonly url: URL;
  /** Made anew for each attempt, as a signature holds for minutes. */
  readonly headers: () => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  /** The statuses that the caller understands; any other is thrown. */
  readonly accepts: readonly number[];
  /** Verb and noun for messages. */
  readonly doing: string;
  readonly signal: AbortSignal;
}

const PATIENCE_MS = 60_000;

/** An HTTP server that keeps objects and is no registry: the same proxies, certificates, patience and retries. Follows no redirects. */
export class ObjectServer implements Disposable {
  readonly retries: RetryOptions;
  /** For messages: `the S3 server`. */
  readonly name: string;
  readonly #transport: Transport;
  readonly #options: ObjectServerOptions;

  constructor(url: URL, options: ObjectServerOptions) {
    this.#options = options;
    this.name = `the ${options.service}`;
    this.retries = { ...PATIENT, ...options.retries };
    this.#transport = new Transport(serverAddress(url, options.service), options.env);
  }

  /** Resolves to an answer with one of the statuses the call accepts; its body must be read to the end. Throws RegistryFailure. */
  async request(call: ObjectCall): Promise<HttpResponse> {
    return await withRetries(() => this.#attempt(call), this.retries, call.signal);
  }

  /** As {@link request}, for an answer whose body says nothing. */
  async send(call: ObjectCall): Promise<HttpResponse> {
    const response = await this.request(call);
    await discard(response);
    return response;
  }

  async #attempt({ method, url, headers, body, accepts, doing, signal }: ObjectCall): Promise<HttpResponse> {
    const response = await this.#transport.send({ method, url, headers: await headers(), body, signal, patience: PATIENCE_MS });
    if (accepts.includes(response.status)) return response;
    throw await this.#failure(response, doing);
  }

  async #failure(response: HttpResponse, doing: string): Promise<RegistryFailure> {
    const { read, hint } = this.#options;
    return await answerFailure(response, { doing, server: this.name, now: Date.now(), read, ...(hint === undefined ? {} : { hint }) });
  }

  [Symbol.dispose](): void {
    this.#transport.close();
  }
}
