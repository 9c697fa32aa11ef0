import { errnoOf, reasonOf } from "../base/failure.ts";
import type { Address } from "./address.ts";
import { RegistryFailure } from "./registry-error.ts";

interface Connection {
  readonly address: Address;
  readonly url: URL;
  /** The connection was kept from an earlier request, so the server may have closed it in good order. */
  readonly reused?: boolean;
}

const REASONS: Readonly<Record<string, readonly [reason: string, transient: boolean]>> = {
  ECONNREFUSED: ["connection refused", false],
  ENOTFOUND: ["no such host", false],
  EAI_AGAIN: ["the name cannot be resolved just now", true],
  ECONNRESET: ["connection reset by the registry", true],
  EPIPE: ["connection closed by the registry", true],
  ENETUNREACH: ["network is unreachable", false],
  EHOSTUNREACH: ["no route to host", false],
};

/** What went wrong with a connection, in words. */
export function connectionFailure(error: unknown, { address, url, reused }: Connection): RegistryFailure {
  const elsewhere = url.host === address.host ? "" : ` at ${JSON.stringify(url.host)}, where it redirects or sends us`;
  const doing = `connect to registry ${JSON.stringify(address.registry)}${elsewhere}`;
  const code = errnoOf(error) ?? "";
  if (code === "ETIMEDOUT") {
    return new RegistryFailure("timeout", `${doing}: no answer in time`, { cause: error, transient: true });
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

/** "Wrong version number" is what OpenSSL says when the other side speaks plain text. */
function wrongProtocol(doing: string, error: unknown, address: Address): RegistryFailure {
  const plain = /wrong version number|packet length too long|http request/i.test(reasonOf(error));
  const reason = plain ? "server gave HTTP response to HTTPS client" : `TLS failed: ${reasonOf(error)}`;
  const hint = `Where that network is trusted, use --insecure or LAMINATE_INSECURE_REGISTRIES=${address.host}`;
  return new RegistryFailure("plain-http", `${doing}: ${reason}`, { cause: error, ...(plain ? { hint } : {}) });
}

/** Node gives OpenSSL's X509_V_ERR names as codes. */
function isCertificateError(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|CRL|CA$|HOSTNAME/.test(code) && !/^E[A-Z]+$/.test(code);
}
