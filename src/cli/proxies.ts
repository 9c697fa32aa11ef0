import { dockerConfigPath, readDockerConfig } from "../registry/credentials/docker-config.ts";

/** The variables by what docker's config.json calls them. */
const MEMBERS = { httpProxy: "HTTP_PROXY", httpsProxy: "HTTPS_PROXY", noProxy: "NO_PROXY", ftpProxy: "FTP_PROXY", allProxy: "ALL_PROXY" } as const;

/**
 * The proxies that docker's config.json wants builds and containers to use (`proxies.default`), without those that
 * `given` names in either case. As with docker, our own environment's proxies are not passed on by themselves.
 */
export async function configuredProxies(env: NodeJS.ProcessEnv, given: Iterable<string>): Promise<Record<string, string>> {
  const { proxies } = await readDockerConfig(dockerConfigPath(env));
  const chosen = member(proxies, "default");
  const taken = new Set([...given].map((name) => name.toUpperCase()));
  const pairs = Object.entries(MEMBERS).flatMap(([key, name]) => {
    const value = member(chosen, key);
    return typeof value === "string" && value !== "" && !taken.has(name) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** A member of what may be anything. */
function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
