import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { RequestListener } from "node:http";
import { gitRepository, served } from "../served.ts";

/** What the cases fetch: files over HTTP, and git repositories. */
export interface Sources extends AsyncDisposable {
  /** Serves the directories `served/` and `repository/` of a case; gives its text as this run knows it, and back. */
  open(id: string, directory: string): Filled;
}

export interface Filled {
  /** Puts in URLs and commits for `@http@`, `@git@` and `@commit@`. */
  fill(text: string): string;
  /** Takes them out again. */
  empty(text: string): string;
}

/** Starts a server for all cases. */
export async function openSources(): Promise<Sources> {
  const listeners = new Map<string, RequestListener>();
  const server = await served((request, response) => {
    const [, id, rest] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? "") ?? [];
    request.url = rest ?? "/";
    const listener = listeners.get(id ?? "");
    if (listener === undefined) response.writeHead(404).end();
    else listener(request, response);
  });
  return {
    open(id, directory) {
      const name = id.replaceAll("/", ".");
      const repository = path.join(directory, "repository");
      const git = existsSync(repository) ? gitRepository(repository) : undefined;
      const files = fileServer(path.join(directory, "served"));
      listeners.set(name, (request, response) => (git !== undefined && request.url!.startsWith("/r.git/") ? git.listener : files)(request, response));
      const words = Object.entries({ "@http@": `${server.url}/${name}`, "@git@": `${server.url}/${name}/r.git`, ...(git === undefined ? {} : { "@commit@": git.commit }) });
      return {
        fill: (text) => words.reduce((filled, [word, value]) => filled.replaceAll(word, value), text),
        empty: (text) => words.toReversed().reduce((emptied, [word, value]) => emptied.replaceAll(value, word), text),
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Files as they are, with their time; below `/undated/` without. */
function fileServer(directory: string): RequestListener {
  return (request, response) => {
    const name = new URL(request.url!, "http://x").pathname;
    const file = path.join(directory, path.join("/", decodeURIComponent(name)));
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) return void response.writeHead(404).end();
    if (!name.startsWith("/undated/")) response.setHeader("Last-Modified", stat.mtime.toUTCString());
    response.end(readFileSync(file));
  };
}
