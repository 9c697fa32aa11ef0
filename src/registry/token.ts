import type { Challenge } from "./challenge.ts";
import type { Credential } from "./credentials/credential.ts";
import { basicHeader } from "./basic-header.ts";
import { readBody } from "./read-body.ts";
import { RegistryFailure } from "./registry-error.ts";
import { responseFailure } from "./response-failure.ts";
import { Secret } from "./secret.ts";
import type { HttpRequest, HttpResponse } from "./transport.ts";

/** A token of a token server (distribution, docs/spec/auth). */
export interface Token {
  readonly token: Secret;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  /** Stands for the password from now on, where the server gives one. */
  readonly identity?: Secret;
}

export interface TokenOptions {
  readonly registry: string;
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly clock: () => number;
  /** The registry itself is reached without TLS, so its token server may be too. */
  readonly plain: boolean;
  readonly patience: number;
  /** Ask for an identity token, as `login` does. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}

const TOKEN_BYTES = 1 << 20;
const CLIENT = "laminate";

/** Asks the token server that a Bearer challenge names. */
export async function fetchToken(challenge: Challenge, scopes: readonly string[], credential: Credential | undefined, options: TokenOptions): Promise<Token> {
  const doing = `get a token for registry ${JSON.stringify(options.registry)}`;
  const realm = realmOf(challenge, options, doing);
  const request = credential?.kind === "identity" ? refreshRequest(realm, challenge, scopes, credential.token) : tokenRequest(realm, challenge, scopes, credential, options);
  const response = await options.send({ ...request, patience: options.patience, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  if (response.status !== 200) {
    const failure = await responseFailure(response, { doing, registry: options.registry, now: options.clock() });
    throw failure.status === 401 && credential !== undefined ? wrongPassword(failure, options.registry, doing) : failure;
  }
  return readToken(await readBody(response, TOKEN_BYTES, doing), options.clock(), doing);
}

/** A registry behind TLS may not have us send the password to a server without it. */
function realmOf(challenge: Challenge, options: TokenOptions, doing: string): URL {
  const text = challenge.parameters["realm"] ?? "";
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  const allowed = realm?.protocol === "https:" || (realm?.protocol === "http:" && options.plain);
  if (realm === undefined || !allowed) {
    throw new RegistryFailure("bad-response", `${doing}: it names the token server ${JSON.stringify(text.slice(0, 200))}, wanted an https URL`);
  }
  return realm;
}

function tokenRequest(realm: URL, challenge: Challenge, scopes: readonly string[], credential: Credential | undefined, options: TokenOptions): Omit<HttpRequest, "patience"> {
  const url = new URL(realm);
  const service = challenge.parameters["service"];
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credential?.kind !== "password") return { method: "GET", url, headers: {} };
  url.searchParams.set("account", credential.username);
  if (options.offline === true) {
    url.searchParams.set("client_id", CLIENT);
    url.searchParams.set("offline_token", "true");
  }
  return { method: "GET", url, headers: { authorization: basicHeader(credential) } };
}

/** An identity token is exchanged by OAuth 2 (RFC 6749, 6). */
function refreshRequest(url: URL, challenge: Challenge, scopes: readonly string[], token: Secret): Omit<HttpRequest, "patience"> {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token.reveal(), client_id: CLIENT, service: challenge.parameters["service"] ?? "", scope: scopes.join(" ") });
  const bytes = Buffer.from(form.toString(), "utf8");
  return { method: "POST", url, headers: { "content-type": "application/x-www-form-urlencoded" }, body: { size: bytes.length, open: () => bytes } };
}

function wrongPassword(failure: RegistryFailure, registry: string, doing: string): RegistryFailure {
  return new RegistryFailure("unauthorized", `${doing}: unauthorized: incorrect username or password`, {
    cause: failure,
    status: 401,
    said: "unauthorized: incorrect username or password",
    hint: `Log in again: laminate login ${registry}`,
  });
}

function readToken(bytes: Buffer, now: number, doing: string): Token {
  let body: Readonly<Record<string, unknown>>;
  try {
    body = Object(JSON.parse(bytes.toString("utf8"))) as Record<string, unknown>;
  } catch (error) {
    throw new RegistryFailure("bad-response", `${doing}: the token server's answer is not JSON`, { cause: error });
  }
  const token = [body["token"], body["access_token"]].find((each) => typeof each === "string" && each !== "");
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new RegistryFailure("bad-response", `${doing}: the token server's answer holds no token`);
  }
  // At least a minute, as docker and the specification have it.
  const seconds = typeof body["expires_in"] === "number" ? Math.max(60, body["expires_in"]) : 60;
  const identity = body["refresh_token"];
  return { token: new Secret(token), expires: now + seconds * 1000, ...(typeof identity === "string" && identity !== "" ? { identity: new Secret(identity) } : {}) };
}
