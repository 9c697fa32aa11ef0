import { Secret } from "../secret.ts";
import { RegistryFailure } from "../registry-error.ts";
import type { Credential, NamedCredential } from "./credential.ts";
import { eraseFromHelper, getFromHelper, storeInHelper, type CredentialHelper } from "./credential-helper.ts";
import { dockerConfigPath, readDockerConfig, writeDockerConfig, type AuthEntry, type DockerConfig } from "./docker-config.ts";
import { matchingKeys, serverKey } from "./server-key.ts";

/** Where a credential was put: in the file (not encrypted) or with a helper. */
export type KeptIn = { readonly file: string } | { readonly helper: string };

/** The credential that docker's config, or the helper it names, has for a registry. */
export async function findCredential(env: NodeJS.ProcessEnv, registry: string): Promise<Credential | undefined> {
  const config = await readDockerConfig(dockerConfigPath(env));
  const helper = helperFor(config, registry, env);
  const kept = helper === undefined ? undefined : await getFromHelper(helper, serverKey(registry));
  if (kept !== undefined) return kept;
  const auths = config.auths ?? {};
  for (const key of matchingKeys(registry, Object.keys(auths))) {
    const credential = readEntry(auths[key]!);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

/** Keeps a credential as docker does. */
export async function saveCredential(env: NodeJS.ProcessEnv, registry: string, credential: NamedCredential): Promise<KeptIn> {
  const path = dockerConfigPath(env);
  const config = await readDockerConfig(path);
  const helper = helperFor(config, registry, env);
  if (helper !== undefined) await storeInHelper(helper, serverKey(registry), credential);
  // With a helper docker leaves an empty entry, which says where one is logged in.
  const entry = helper === undefined ? writeEntry(credential) : {};
  await writeDockerConfig(path, { ...config, auths: { ...withoutRegistry(config, registry), [serverKey(registry)]: entry } });
  return helper === undefined ? { file: path } : { helper: helper.name };
}

/** Forgets a registry's credential, in the file and with the helper. False when there was none. */
export async function eraseCredential(env: NodeJS.ProcessEnv, registry: string): Promise<boolean> {
  const path = dockerConfigPath(env);
  const config = await readDockerConfig(path);
  const helper = helperFor(config, registry, env);
  const inHelper = helper !== undefined && (await getFromHelper(helper, serverKey(registry))) !== undefined;
  if (inHelper) await eraseFromHelper(helper, serverKey(registry));
  const keys = matchingKeys(registry, Object.keys(config.auths ?? {}));
  if (keys.length > 0) await writeDockerConfig(path, { ...config, auths: withoutRegistry(config, registry) });
  return inHelper || keys.length > 0;
}

function helperFor(config: DockerConfig, registry: string, env: NodeJS.ProcessEnv): CredentialHelper | undefined {
  const helpers = config.credHelpers ?? {};
  const name = helpers[serverKey(registry)] ?? helpers[registry] ?? config.credsStore;
  return name === undefined || name === "" ? undefined : { name, env };
}

function withoutRegistry(config: DockerConfig, registry: string): Record<string, AuthEntry> {
  const gone = new Set(matchingKeys(registry, Object.keys(config.auths ?? {})));
  return Object.fromEntries(Object.entries(config.auths ?? {}).filter(([key]) => !gone.has(key)));
}

function readEntry(entry: AuthEntry): Credential | undefined {
  if (nonEmpty(entry.registrytoken)) return { kind: "registry-token", token: new Secret(entry.registrytoken) };
  const pair = decodeAuth(entry);
  if (nonEmpty(entry.identitytoken)) return { kind: "identity", username: pair?.username ?? "", token: new Secret(entry.identitytoken) };
  return pair === undefined ? undefined : { kind: "password", ...pair };
}

function decodeAuth(entry: AuthEntry): { readonly username: string; readonly password: Secret } | undefined {
  if (nonEmpty(entry.username) && nonEmpty(entry.password)) return { username: entry.username, password: new Secret(entry.password) };
  if (!nonEmpty(entry.auth)) return undefined;
  const text = Buffer.from(entry.auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  // Older dockers padded the password with NULs.
  return colon <= 0 ? undefined : { username: text.slice(0, colon), password: new Secret(text.slice(colon + 1).replace(/\0+$/, "")) };
}

function writeEntry(credential: NamedCredential): AuthEntry {
  const { username } = credential;
  if (username.includes(":")) {
    throw new RegistryFailure("credentials", `keep credentials: the user name ${JSON.stringify(username)} holds a ":"`);
  }
  const password = credential.kind === "password" ? credential.password.reveal() : "";
  const auth = Buffer.from(`${username}:${password}`, "utf8").toString("base64");
  return credential.kind === "identity" ? { auth, identitytoken: credential.token.reveal() } : { auth };
}

function nonEmpty(text: unknown): text is string {
  return typeof text === "string" && text !== "";
}
