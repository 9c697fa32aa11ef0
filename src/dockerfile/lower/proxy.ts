const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/** Predefined build arguments that every RUN gets: they say how this machine reaches the network, so they are in no cache key and no history. */
export function isProxyArgument(name: string): boolean {
  return NAMES.includes(name.toUpperCase());
}

/** The proxy variables of a RUN as `KEY=value`, in both cases each, as BuildKit sets them. */
export function proxyVariables(
  buildArgs: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const name of Object.keys(buildArgs).sort((a, b) => (a < b ? -1 : 1))) {
    if (isProxyArgument(name)) {
      variables.set(name.toUpperCase(), buildArgs[name]!);
      variables.set(name.toLowerCase(), buildArgs[name]!);
    }
  }
  return variables;
}
