import { basicHeader } from "./basic-header.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import type { Credential } from "./credentials/credential.ts";
import type { Token } from "./token.ts";

export interface AuthorizerOptions {
  /** The user's credential for the registry, looked up when first needed. */
  readonly credential: () => Promise<Credential | undefined>;
  readonly fetchToken: (challenge: Challenge, scopes: readonly string[], credential: Credential | undefined) => Promise<Token>;
  readonly clock: () => number;
}

/** Tokens are renewed this long before they end, so that none ends on its way. */
const MARGIN_MS = 5_000;

/** Answers a registry's challenge with an Authorization header: Basic, or a token for the scopes of a request. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** Fetched at most once at a time for the same scopes. */
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  #credential: Promise<Credential | undefined> | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The header for a request, as far as a challenge is known; undefined before the first one. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    this.#credential ??= this.#options.credential();
    const credential = await this.#credential;
    if (challenge.scheme === "basic") return credential?.kind === "password" ? basicHeader(credential) : undefined;
    if (credential?.kind === "registry-token") return `Bearer ${credential.token.reveal()}`;
    return `Bearer ${(await this.#token(challenge, scopes, credential)).token.reveal()}`;
  }

  /** The header to try after a 401 for the one that was `rejected`; undefined when there is nothing better. */
  async renew(wwwAuthenticate: string | undefined, scopes: readonly string[], rejected: string | undefined): Promise<string | undefined> {
    const challenges = parseChallenges(wwwAuthenticate ?? "");
    const bearer = challenges.find((each) => each.scheme === "bearer" && each.parameters["realm"] !== undefined);
    const challenge = bearer ?? challenges.find((each) => each.scheme === "basic");
    if (challenge === undefined) return undefined;
    const first = this.#challenge === undefined || rejected === undefined;
    this.#challenge = challenge;
    if (!first) this.#tokens.delete(keyOf(scopes));
    const header = await this.header(scopes);
    return header === rejected ? undefined : header;
  }

  async #token(challenge: Challenge, scopes: readonly string[], credential: Credential | undefined): Promise<Token> {
    const key = keyOf(scopes);
    const known = await this.#tokens.get(key);
    if (known !== undefined && known.expires - MARGIN_MS > this.#options.clock()) return known;
    const asked = this.#options.fetchToken(challenge, scopesOf(challenge, scopes), credential);
    this.#tokens.set(key, asked);
    asked.catch(() => this.#tokens.delete(key));
    return asked;
  }
}

/** What we ask for; where a request names no scope (the catalogue, say), what the registry says it needs. */
function scopesOf(challenge: Challenge, scopes: readonly string[]): readonly string[] {
  const named = challenge.parameters["scope"];
  return scopes.length > 0 || named === undefined || named === "" ? scopes : named.split(" ");
}

function keyOf(scopes: readonly string[]): string {
  return [...scopes].sort().join(" ");
}
