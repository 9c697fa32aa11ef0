import { createHash, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { makeCertificate, type Certificate } from "./certificate.ts";

/** What a client asked the token server for. */
export interface TokenRequest {
  readonly method: string;
  readonly user: string | undefined;
  readonly scopes: readonly string[];
  readonly grant: string | undefined;
  readonly offline: boolean;
}

export interface TokenServerOptions {
  readonly users: Readonly<Record<string, string>>;
  /** May anyone, without a name, read this repository? */
  readonly isPublic?: (repository: string) => boolean;
  /** Seconds that a token holds. */
  readonly lifetime?: () => number;
  /** What the answer says of it; by default the same. */
  readonly saidLifetime?: number;
  /** Gives identity tokens to who asks for them. */
  readonly identity?: boolean;
  /** Signs with a key that the registry does not know. */
  readonly forged?: boolean;
}

/** A token server (distribution, docs/spec/auth/token.md and oauth.md) that signs what a registry checks. */
export interface TokenServer extends AsyncDisposable {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** What the registry must know of us: its `rootcertbundle`. */
  readonly certificatePem: string;
  readonly asked: TokenRequest[];
  /** Makes all identity tokens worthless. */
  revoke(): void;
}

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const trusted = makeCertificate("token server");
  const signer = options.forged === true ? makeCertificate("another") : trusted;
  const service = "test registry";
  const issuer = "test issuer";
  const asked: TokenRequest[] = [];
  let refresh = randomUUID();
  const server = createServer((request, response) => {
    void (async () => {
      const form = await formOf(request);
      const grant = form.get("grant_type") ?? undefined;
      const [name, password] = basic(request);
      const user = grant === "refresh_token" ? (form.get("refresh_token") === refresh ? "me" : undefined) : name;
      const scopes = form.getAll("scope").flatMap((scope) => scope.split(" ")).filter((scope) => scope !== "");
      asked.push({ method: request.method!, user, scopes, grant, offline: form.get("offline_token") === "true" });
      const wrong = grant === "refresh_token" ? user === undefined : name !== undefined && options.users[name] !== password;
      if (wrong || form.get("service") !== service) {
        response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "who are you" }] }));
        return;
      }
      const lifetime = options.lifetime?.() ?? 300;
      const access = scopes.map((scope) => granted(scope, user, options));
      const token = signToken(signer, { iss: issuer, sub: user ?? "", aud: service, access }, lifetime);
      const identity = form.get("offline_token") === "true" && options.identity === true ? { refresh_token: refresh } : {};
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, access_token: token, expires_in: options.saidLifetime ?? lifetime, ...identity }));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    service,
    issuer,
    certificatePem: trusted.certificatePem,
    asked,
    revoke: () => void (refresh = randomUUID()),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A user may do anything below their own name and read the rest; who has no name may read what is public. */
function granted(scope: string, user: string | undefined, { isPublic }: TokenServerOptions): { readonly type: string; readonly name: string; readonly actions: readonly string[] } {
  const [type = "", name = "", actions = ""] = scope.split(":");
  const may = (action: string): boolean => (user === undefined ? action === "pull" && isPublic?.(name) === true : action === "pull" || name.startsWith(`${user}/`));
  return { type, name, actions: actions.split(",").filter(may) };
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  if (request.method === "GET") return new URL(request.url!, "http://x").searchParams;
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return new URLSearchParams(text);
}

function basic(request: IncomingMessage): [string?, string?] {
  const encoded = /^Basic (.*)$/.exec(request.headers.authorization ?? "")?.[1];
  if (encoded === undefined) return [];
  const text = Buffer.from(encoded, "base64").toString("utf8");
  return [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
}

/** A JSON Web Token by ES256 whose header carries the certificate (RFC 7515, 4.1.6). */
function signToken(by: Certificate, claims: object, lifetime: number): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const id = createHash("sha256").update(randomUUID()).digest("hex");
  const signed = `${encode({ typ: "JWT", alg: "ES256", x5c: [by.der.toString("base64")] })}.${encode({ ...claims, iat: now, nbf: now - 5, exp: now + lifetime, jti: id })}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key: by.key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
