import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A registry server on loopback that a test started. */
export interface TestRegistry extends AsyncDisposable {
  readonly port: number;
  /** Forgets all that was pushed. */
  empty(): void;
}

/** Starts Debian's docker-registry on a free port; with `users`, it wants their passwords. */
export async function startRegistry(users: Readonly<Record<string, string>> = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), "laminate-registry-"));
  const port = await freePort();
  const data = join(directory, "data");
  const names = Object.entries(users);
  writeFileSync(join(directory, "htpasswd"), names.map(([user, password]) => spawnSync("htpasswd", ["-Bbn", user, password], { encoding: "utf8" }).stdout).join(""));
  const auth = names.length === 0 ? "" : `auth: {htpasswd: {realm: test, path: ${directory}/htpasswd}}\n`;
  writeFileSync(join(directory, "config.yml"), `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${data}}}\nhttp: {addr: "127.0.0.1:${port}"}\n${auth}`);
  const server = spawn("docker-registry", ["serve", join(directory, "config.yml")], { stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  await answer(`http://127.0.0.1:${port}/v2/`);
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
