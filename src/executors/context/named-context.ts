import { createReadStream, existsSync, statSync } from "node:fs";
import path from "node:path";
import { bytePath } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { download } from "../add/download.ts";
import { LooseSource } from "../copy/loose-source.ts";
import { ExecuteError } from "../execute-error.ts";
import type { FileSource } from "../value.ts";
import { type ContextWorld, directoryFiles } from "./build-context.ts";
import { DirectorySource } from "./directory-source.ts";
import { gitCheckout, gitCommit } from "./git.ts";
import { parseGitUrl } from "./git-url.ts";

/** The files of a named build context, looked for when a step first asks. */
export interface NamedFiles {
  open(): Promise<FileSource>;
  /** Keeps for later builds what was learned of the files. */
  keep(): void;
}

/**
 * The files that `--build-context NAME=VALUE` means by a git or http(s) URL or a directory, the latter without what its
 * .dockerignore leaves out (BuildKit, dockerui/namedcontext.go). Throws {@link ExecuteError} for a directory that is not there.
 */
export function namedFiles(name: string, value: string, world: ContextWorld): NamedFiles {
  const directory = path.resolve(world.cwd, value);
  const git = existsSync(directory) ? undefined : parseGitUrl(value);
  const title = `the build context ${JSON.stringify(name)}`;
  if (git !== undefined) {
    return once(async () => {
      const checkout = await gitCheckout(git, await gitCommit(git, world), world.store.temporaryDirectory(), world);
      return { source: new DirectorySource(title, checkout) };
    });
  }
  if (/^https?:\/\//.test(value)) {
    return once(async () => ({ source: await oneFile(title, value, world) }));
  }
  checkDirectory(name, value, directory);
  const ignoreFile = path.join(directory, ".dockerignore");
  return once(() => directoryFiles(title, directory, existsSync(ignoreFile) ? ignoreFile : undefined, world));
}

function once(find: () => Promise<{ readonly source: FileSource; readonly keep?: () => void }>): NamedFiles {
  let found: ReturnType<typeof find> | undefined;
  let keep: (() => void) | undefined;
  return {
    open: async () => {
      found ??= find();
      const one = await found;
      ({ keep } = one);
      return one.source;
    },
    keep: () => keep?.(),
  };
}

/** What is behind a URL that is no git repository is one file, `context`, packed as it is. */
async function oneFile(title: string, url: string, { store, signal, env }: ContextWorld): Promise<FileSource> {
  const { content, records, leases } = store;
  const { digest, size, mtime = 0n } = await download(url, { content, records, leases, signal, env, progress: () => undefined });
  const entry = { path: bytePath("context"), type: "file", mode: 0o600, uid: 0, gid: 0, size, mtime } as const;
  return new LooseSource(title, [{ entry, digest, located: { file: content.path(digest), offset: 0 }, read: () => createReadStream(content.path(digest)) }]);
}

function checkDirectory(name: string, value: string, directory: string): void {
  const fail = (why: string, hint = "it is a directory, or docker-image://, oci-layout://, a git or http(s) URL"): never => {
    throw new ExecuteError("bad-context", `failed to get build context ${name}: ${why}`, { hint });
  };
  if (value === "") fail("it names nothing");
  if (value.startsWith("target:")) fail(`${JSON.stringify(value)} is for bake files`, `a stage is named in the Dockerfile: FROM ${value.slice("target:".length)} AS ${name}`);
  try {
    if (!statSync(directory).isDirectory()) fail(`${JSON.stringify(value)} is not a directory`);
  } catch (error) {
    if (error instanceof ExecuteError) throw error;
    fail(errnoOf(error) === "ENOENT" ? `there is no ${JSON.stringify(value)}` : `stat ${JSON.stringify(value)}: ${errnoOf(error)}`);
  }
}
