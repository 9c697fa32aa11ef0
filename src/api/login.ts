import { saveCredential, type KeptIn } from "../registry/credentials/credentials.ts";
import { ping } from "../registry/ping.ts";
import { Secret } from "../registry/secret.ts";
import { Session } from "../registry/session.ts";

export interface LoginOptions {
  /** `docker.io`, `localhost:5000`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  readonly insecure?: boolean;
}

/** Proves a credential to a registry, and keeps it where docker does once the registry has taken it. Throws RegistryFailure. */
export async function login(env: NodeJS.ProcessEnv, { registry, username, password, insecure }: LoginOptions, signal: AbortSignal): Promise<KeptIn> {
  const credential = { kind: "password", username, password: new Secret(password) } as const;
  using session = new Session(registry, { env, credential, offline: true, insecure });
  await ping(session, signal);
  return await saveCredential(env, registry, session.identity === undefined ? credential : { kind: "identity", username, token: session.identity });
}
