import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificate } from "./certificate.ts";
import type { TokenServer } from "./token-server.ts";

/** A registry server on loopback that a test started. */
export interface TestRegistry extends AsyncDisposable {
  readonly port: number;
  /** Forgets all that was pushed. */
  empty(): void;
}

export interface TestRegistryOptions {
  /** Users and their passwords, asked for by Basic authentication. */
  readonly users?: Readonly<Record<string, string>>;
  /** Bearer tokens, asked for at this server. */
  readonly tokens?: Pick<TokenServer, "realm" | "service" | "issuer" | "certificatePem">;
  /** Speaks TLS with this certificate. */
  readonly tls?: Pick<Certificate, "certificatePem" | "keyPem">;
}

/** Starts Debian's docker-registry on a free port of the loopback interface. */
export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), "laminate-registry-"));
  const port = await freePort();
  const data = join(directory, "data");
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: data } },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(options.tls === undefined ? {} : { tls: { certificate: write("tls.crt", options.tls.certificatePem), key: write("tls.key", options.tls.keyPem) } }),
    },
    ...authOf(options, write),
  };
  const server = spawn("docker-registry", ["serve", write("config.yml", JSON.stringify(config))], { stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  await (options.tls === undefined ? answer(`http://127.0.0.1:${port}/v2/`) : listening(port));
  return {
    port,
    empty: () => rmSync(data, { recursive: true, force: true }),
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function authOf({ users, tokens }: TestRegistryOptions, write: (name: string, text: string) => string): object {
  if (tokens !== undefined) {
    const { realm, service, issuer, certificatePem } = tokens;
    return { auth: { token: { realm, service, issuer, rootcertbundle: write("token.crt", certificatePem) } } };
  }
  if (users === undefined) return {};
  const lines = Object.entries(users).map(([user, password]) => spawnSync("htpasswd", ["-Bbn", user, password], { encoding: "utf8" }).stdout);
  return { auth: { htpasswd: { realm: "test", path: write("htpasswd", lines.join("")) } } };
}

/** Waits until something takes connections on a port. */
async function listening(port: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
    socket.destroy();
    if (open) return;
    if (tries >= 300) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The text that a URL answers with, once something answers there. */
export async function answer(url: string): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (tries >= 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
