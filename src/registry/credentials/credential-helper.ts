import { spawn } from "node:child_process";
import { errnoOf, reasonOf } from "../../base/failure.ts";
import { RegistryFailure } from "../registry-error.ts";
import { Secret } from "../secret.ts";
import type { Credential, NamedCredential } from "./credential.ts";

/** A program `docker-credential-NAME` that keeps secrets; it reads and writes JSON on its standard streams (docker-credential-helpers). */
export interface CredentialHelper {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What the helpers say, by docker's convention, when they have nothing for a server. */
const NOT_FOUND = /credentials not found/i;
const IDENTITY_USER = "<token>";
const ANSWER_BYTES = 1 << 20;

/** The helper's credential for a server, if it has one. */
export async function getFromHelper(helper: CredentialHelper, server: string): Promise<Credential | undefined> {
  const { code, output } = await runHelper(helper, "get", server);
  if (code !== 0) {
    if (NOT_FOUND.test(output)) return undefined;
    throw helperFailure(helper, "get", output);
  }
  return readAnswer(helper, output);
}

/** Has the helper keep a credential. */
export async function storeInHelper(helper: CredentialHelper, server: string, credential: NamedCredential): Promise<void> {
  const entry = credential.kind === "password" ? { Username: credential.username, Secret: credential.password.reveal() } : { Username: IDENTITY_USER, Secret: credential.token.reveal() };
  const { code, output } = await runHelper(helper, "store", JSON.stringify({ ServerURL: server, ...entry }));
  if (code !== 0) throw helperFailure(helper, "store", output);
}

/** Has the helper forget a server; nothing to forget is no failure. */
export async function eraseFromHelper(helper: CredentialHelper, server: string): Promise<void> {
  const { code, output } = await runHelper(helper, "erase", server);
  if (code !== 0 && !NOT_FOUND.test(output)) throw helperFailure(helper, "erase", output);
}

function readAnswer(helper: CredentialHelper, output: string): Credential | undefined {
  let answer: { readonly Username?: unknown; readonly Secret?: unknown };
  try {
    answer = Object(JSON.parse(output)) as typeof answer;
  } catch {
    throw new RegistryFailure("credentials", `ask docker-credential-${helper.name}: its answer is not JSON`);
  }
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== "string" || typeof secret !== "string" || secret === "") return undefined;
  if (username === IDENTITY_USER) return { kind: "identity", username, token: new Secret(secret) };
  return { kind: "password", username, password: new Secret(secret) };
}

/** Failures of `get` and `erase` come with a message; that of `store` might repeat what it was given, so it is left out. */
function helperFailure(helper: CredentialHelper, action: string, output: string): RegistryFailure {
  const said = action === "store" ? "" : output.trim().slice(0, 300);
  return new RegistryFailure("credentials", `ask docker-credential-${helper.name} to ${action} credentials: ${said === "" ? "it failed" : said}`);
}

function runHelper({ name, env }: CredentialHelper, action: string, input: string): Promise<{ readonly code: number | null; readonly output: string }> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new RegistryFailure("credentials", `start a credential helper: ${JSON.stringify(name)} in docker's config is not a helper's name`);
  }
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, [action], { env, stdio: ["pipe", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(0, ANSWER_BYTES)));
    // A helper may end without reading.
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => {
      const why = errnoOf(error) === "ENOENT" ? "it is not installed" : reasonOf(error);
      reject(new RegistryFailure("credentials", `start docker-credential-${name}, which docker's config names: ${why}`, { cause: error }));
    });
    child.on("close", (code) => resolve({ code, output }));
    child.stdin.end(input);
  });
}
