import { eraseCredential } from "../registry/credentials/credentials.ts";

/** Forgets the credential of a registry, in docker's config and its helper; false when there was none. */
export async function logout(env: NodeJS.ProcessEnv, registry: string): Promise<boolean> {
  return await eraseCredential(env, registry);
}
