import type { HandedThings } from "../run/run-mounts.ts";
import type { GitUrl } from "./git-url.ts";

/** What a private repository asks for: secrets GIT_AUTH_TOKEN and GIT_AUTH_HEADER, also with `.HOST`, and the agent `default`. */
export type GitAccess = Pick<HandedThings, "secret" | "agent">;

/**
 * The environment in which git fetches a repository. Credentials are told by configuration in it, which no other
 * process sees and which stands in no file (git-config(1), GIT_CONFIG_COUNT); they go to the repository's host alone.
 */
export async function gitEnvironment({ remote }: GitUrl, env: NodeJS.ProcessEnv, access: GitAccess | undefined): Promise<NodeJS.ProcessEnv> {
  // No prompt may wait for someone who is not there, and no address may start a command (git-config(1), protocol.allow).
  const safe = { ...env, GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "true", GIT_PROTOCOL_FROM_USER: "0" };
  if (access === undefined) return safe;
  const [, scheme, host] = /^(https?:\/\/)(?:[^/@]*@)?([^/]+)/.exec(remote) ?? [];
  if (host === undefined) {
    const agent = await access.agent("default");
    return agent === undefined ? safe : { ...safe, SSH_AUTH_SOCK: agent };
  }
  const header = authorization(host, access);
  if (header === undefined) return safe;
  const count = Number(env["GIT_CONFIG_COUNT"] ?? 0);
  return { ...safe, GIT_CONFIG_COUNT: `${count + 1}`, [`GIT_CONFIG_KEY_${count}`]: `http.${scheme}${host}/.extraheader`, [`GIT_CONFIG_VALUE_${count}`]: `Authorization: ${header}` };
}

/** As BuildKit: what is for the host goes before what is for all, a whole header before a token. */
function authorization(host: string, access: GitAccess): string | undefined {
  for (const suffix of [`.${host}`, ""]) {
    const header = access.secret(`GIT_AUTH_HEADER${suffix}`)?.toString("utf8").trim();
    if (header !== undefined) return header;
    const token = access.secret(`GIT_AUTH_TOKEN${suffix}`)?.toString("utf8").trim();
    if (token !== undefined) return `basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
  }
  return undefined;
}
