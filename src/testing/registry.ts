import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
  const data = join(directory, "data");
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const config = {
    version: "0.1",
    log: { level: "info" }, // says where it listens
    storage: { filesystem: { rootdirectory: data } },
    http: {
      // A port that was found free here might be another test's when the server comes to take it.
      addr: "127.0.0.1:0",
      ...(options.tls === undefined ? {} : { tls: { certificate: write("tls.crt", options.tls.certificatePem), key: write("tls.key", options.tls.keyPem) } }),
    },
    ...authOf(options, write),
  };
  // No pipe: while this process waits for a command synchronously it could not empty one, and the registry would wait for that.
  const log = write("log", "");
  const file = openSync(log, "a");
  const server = spawn("docker-registry", ["serve", write("config.yml", JSON.stringify(config))], { stdio: ["ignore", "ignore", file] });
  closeSync(file);
  const ended = new Promise((resolve) => server.once("exit", resolve));
  return {
    port: await listeningPort(server, log),
    empty() {
      // It may still write what a client sent that was killed: into a directory that is being removed, which then is not empty.
      if (!existsSync(data)) return;
      const old = mkdtempSync(join(directory, "old-"));
      renameSync(data, old);
      rmSync(old, { recursive: true });
    },
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

/** The port that the server took, once it listens there. */
async function listeningPort(server: ChildProcess, log: string): Promise<number> {
  for (;;) {
    const hasEnded = server.exitCode !== null || server.signalCode !== null;
    const said = readFileSync(log, "utf8");
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) return Number(port);
    if (hasEnded) throw new Error(`docker-registry ended at once: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
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
