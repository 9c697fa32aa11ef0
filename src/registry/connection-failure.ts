import { errnoOf, reasonOf } from "../base/failure.ts";
import type { Address } from "./address.ts";
import { RegistryFailure } from "./registry-error.ts";

interface Connection {
  readonly address: Address;
  readonly url: URL;
  /** The connection was kept from an earlier request, so the server may have closed it in good order. */
  readonly reused?: boolean;
  /** The proxy that the environment names for such URLs, whether or not this one goes through it. */
  readonly proxy?: URL | undefined;
}

const REASONS: Readonly<Record<string, readonly [reason: string, transient: boolean]>> = {
  ECONNREFUSED: ["connection refused", false],
  ENOTFOUND: ["no such host", false],
  EAI_AGAIN: ["the name cannot be resolved just now", true],
  ECONNRESET: ["connection reset by the other side", true],
  EPIPE: ["connection closed by the other side", true],
  ENETUNREACH: ["network is unreachable", false],
  EHOSTUNREACH: ["no route to host", false],
};

/** What went wrong with a connection, in words. */
export function connectionFailure(error: unknown, { address, url, reused, proxy }: Connection): RegistryFailure {
  const elsewhere = url.host === address.host ? "" : ` at ${JSON.stringify(url.host)}, where it redirects or sends us`;
  const through = proxy !== undefined && isOfProxy(error, proxy) ? ` through the proxy ${JSON.stringify(proxy.host)}` : "";
  const doing = `connect to ${address.service} ${JSON.stringify(address.registry)}${elsewhere}${through}`;
  const code = errnoOf(error) ?? "";
  if (code === "ETIMEDOUT") {
    return new RegistryFailure("timeout", `${doing}: no answer in time`, { cause: error, transient: true });
  }
  if (code === "ERR_PROXY_TUNNEL") {
    const status = /\b[45]\d\d\b/.exec(reasonOf(error))?.[0];
    return new RegistryFailure("unreachable", `${doing}: the proxy refused${status === undefined ? "" : ` with ${status}`}`, { cause: new Error("the proxy's answer is not repeated") });
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return wrongProtocol(doing, error, address);
  }
  if (isCertificateError(code)) {
    return new RegistryFailure("bad-certificate", `${doing}: its certificate is not trusted: ${reasonOf(error)}`, {
      cause: error,
      hint: `Put the certificate authority into /etc/docker/certs.d/${url.host}/ca.crt or name it in SSL_CERT_FILE`,
    });
  }
  const [reason, transient] = REASONS[code] ?? [reasonOf(error) || code, code === ""];
  return new RegistryFailure("unreachable", `${doing}: ${reason}`, { cause: error, transient, ...(reused === true && transient ? { retryAfter: 0 } : {}) });
}

/** Whether it was the proxy that did not answer. Its URL may hold a password: only its host is ever shown. */
function isOfProxy(error: unknown, proxy: URL): boolean {
  const { port, hostname, address } = Object(error) as { readonly port?: unknown; readonly hostname?: unknown; readonly address?: unknown };
  const proxyPort = Number(proxy.port === "" ? (proxy.protocol === "https:" ? 443 : 80) : proxy.port);
  return errnoOf(error) === "ERR_PROXY_TUNNEL" || hostname === proxy.hostname || (typeof address === "string" && port === proxyPort);
}

/** "Wrong version number" is what OpenSSL says when the other side speaks plain text. */
function wrongProtocol(doing: string, error: unknown, address: Address): RegistryFailure {
  const plain = /wrong version number|packet length too long|http request/i.test(reasonOf(error));
  const reason = plain ? "server gave HTTP response to HTTPS client" : `TLS failed: ${reasonOf(error)}`;
  const hint = `Where that network is trusted, use --insecure or LAMINATE_INSECURE_REGISTRIES=${address.host}`;
  return new RegistryFailure("plain-http", `${doing}: ${reason}`, { cause: error, ...(plain && address.service === "registry" ? { hint } : {}) });
}

/** Node gives OpenSSL's X509_V_ERR names as codes. */
function isCertificateError(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|CRL|CA$|HOSTNAME/.test(code) && !/^E[A-Z]+$/.test(code);
}
