/** Docker Hub's key in docker's config, from the days of the first protocol. */
const HUB_KEY = "https://index.docker.io/v1/";

/** The key under which docker keeps a registry's credential. */
export function serverKey(registry: string): string {
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(registry) ? HUB_KEY : registry;
}

/** The keys of `auths` that mean the registry, the exact one first: older tools wrote URLs (docker's ConvertToHostname). */
export function matchingKeys(registry: string, keys: readonly string[]): readonly string[] {
  const exact = serverKey(registry);
  const host = hostOf(exact);
  return keys.filter((key) => hostOf(key) === host).sort((a, b) => Number(b === exact) - Number(a === exact));
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").split("/")[0] ?? "";
}
