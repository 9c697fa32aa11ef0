import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from "node:tls";
import { errnoOf, reasonOf } from "../base/failure.ts";
import { RegistryFailure } from "./registry-error.ts";

/** Where the distributions keep the bundle of certificate authorities (Go's crypto/x509, root_linux.go). */
const BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"];

/**
 * Whom we trust when speaking TLS to a host and, where it asks for it, who we are: the system's authorities (or
 * SSL_CERT_FILE and SSL_CERT_DIR), and docker's directory HOST[:PORT] with `*.crt` authorities and `*.cert`/`*.key`
 * pairs, in LAMINATE_CERTS_DIR, ~/.config/docker/certs.d or /etc/docker/certs.d.
 */
export function secureContext(host: string, env: NodeJS.ProcessEnv): SecureContext {
  const own = certificateDirectories(env)
    .map((directory) => readHostDirectory(join(directory, host)))
    .find((found) => found !== undefined);
  try {
    return createSecureContext({ ca: [...systemAuthorities(env), ...getCACertificates("extra"), ...(own?.authorities ?? [])], ...own?.client });
  } catch (error) {
    throw new RegistryFailure("bad-certificate", `read certificates for registry ${JSON.stringify(host)}: ${reasonOf(error)}`, { cause: error });
  }
}

function certificateDirectories(env: NodeJS.ProcessEnv): readonly string[] {
  const home = env["HOME"];
  const named = env["LAMINATE_CERTS_DIR"];
  return [...(named === undefined || named === "" ? [] : [named]), ...(home === undefined ? [] : [join(home, ".config/docker/certs.d")]), "/etc/docker/certs.d"];
}

function systemAuthorities(env: NodeJS.ProcessEnv): readonly string[] {
  const file = env["SSL_CERT_FILE"];
  const directories = env["SSL_CERT_DIR"];
  const bundle = (file === undefined || file === "" ? BUNDLES : [file]).map(readOptional).find((text) => text !== undefined);
  const single = directories === undefined || directories === "" ? [] : directories.split(":").flatMap(readDirectory);
  return bundle === undefined && single.length === 0 ? rootCertificates : [...(bundle === undefined ? [] : [bundle]), ...single];
}

function readHostDirectory(directory: string): { readonly authorities: readonly string[]; readonly client: { cert?: string; key?: string } } | undefined {
  const names = listOptional(directory);
  if (names === undefined) return undefined;
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  const certificate = names.find((name) => name.endsWith(".cert"));
  const key = certificate?.replace(/\.cert$/, ".key");
  if (certificate !== undefined && !names.includes(key!)) {
    throw new RegistryFailure("bad-certificate", `read certificates for a registry: ${join(directory, certificate)} has no ${key} beside it`);
  }
  return {
    authorities: names.filter((name) => name.endsWith(".crt")).map(read),
    client: certificate === undefined ? {} : { cert: read(certificate), key: read(key!) },
  };
}

function readDirectory(directory: string): readonly string[] {
  const names = listOptional(directory) ?? [];
  return names.filter((name) => /\.(pem|crt)$/.test(name)).flatMap((name) => readOptional(join(directory, name)) ?? []);
}

function listOptional(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return undefined;
    throw new RegistryFailure("bad-certificate", `read certificates in ${directory}: ${reasonOf(error)}`, { cause: error });
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
