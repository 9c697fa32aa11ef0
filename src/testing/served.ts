import { cpSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { tool } from "./builds.ts";

/** An HTTP server of this test alone, on the loopback interface. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Starts an HTTP server that answers with `listener`. */
export async function served(listener: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<Served> {
  const server = createServer(listener as RequestListener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Makes a directory's files a git repository with the tag `v1` and the branch `main`, to be served as `/r.git`. */
export function gitRepository(directory: string): { readonly commit: string; readonly listener: RequestListener } {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t" };
  const git = (...args: readonly string[]): string => tool("git", ["-C", directory, ...args], { env }).toString().trim();
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  git("tag", "-a", "-m", "one", "v1");
  const bare = `${directory}.git`;
  cpSync(path.join(directory, ".git"), bare, { recursive: true });
  tool("git", ["-C", bare, "-c", "safe.directory=*", "config", "core.bare", "true"], { env });
  tool("git", ["-C", bare, "-c", "safe.directory=*", "update-server-info"], { env });
  return { commit: git("rev-parse", "HEAD"), listener: files(bare) };
}

/** Git's dumb protocol: the repository's files as they are (gitprotocol-http(5)). */
function files(bare: string): RequestListener {
  return (request, response) => {
    const name = new URL(request.url!, "http://x").pathname.replace(/^\/r\.git\//, "");
    const file = path.join(bare, path.join("/", name));
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) response.end(readFileSync(file));
    else response.writeHead(404).end();
  };
}
