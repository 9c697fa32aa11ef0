import { execFile } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { bytePath, pathText } from "../../base/byte-path.ts";
import { errnoOf } from "../../base/failure.ts";
import { withoutPassword } from "../../base/without-password.ts";
import { follow } from "../copy/select.ts";
import { ExecuteError } from "../execute-error.ts";
import { DirectorySource } from "./directory-source.ts";
import { gitEnvironment, type GitAccess } from "./git-environment.ts";
import { COMMIT, wholeCommit, type GitUrl } from "./git-url.ts";

export interface GitOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** For private repositories. */
  readonly access?: GitAccess;
  /** Leave .git where it is. */
  readonly keepGitDirectory?: boolean;
}

const SHORT_COMMIT = /^[0-9a-f]{4,39}$/;

/** The commit that a git URL stands for: the one it names, else asked of its remote. Throws {@link ExecuteError}. */
export async function gitCommit(url: GitUrl, options: GitOptions): Promise<string> {
  const { checksum } = url;
  // BuildKit takes a whole commit beside a branch for the commit, which the branch's history may hold.
  const commit = wholeCommit(checksum) ?? wholeCommit(url.ref) ?? (await remoteCommit(url, options));
  if (checksum !== undefined && !commit.startsWith(checksum)) {
    throw new ExecuteError("bad-context", `${JSON.stringify(withoutPassword(url.remote))}: expected checksum to match ${checksum}, got ${commit}`);
  }
  return commit;
}

async function remoteCommit(url: GitUrl, options: GitOptions): Promise<string> {
  const wanted = url.ref ?? "HEAD";
  const lines = (await git(["ls-remote", "--", url.remote, wanted, `${wanted}^{}`], url, options)).split("\n").map((line) => line.split("\t") as [string, string?]);
  const named = (name: string): string | undefined => lines.find(([, ref]) => ref === name)?.[0];
  const commit =
    named(`refs/tags/${wanted}^{}`) ?? named(wanted) ?? named(`refs/heads/${wanted}`) ?? named(`refs/tags/${wanted}`) ?? lines.find(([, ref]) => ref !== undefined)?.[0];
  if (commit === undefined || !COMMIT.test(commit)) {
    throw new ExecuteError("bad-context", `${JSON.stringify(withoutPassword(url.remote))} has no branch, tag or commit ${JSON.stringify(wanted)}`, SHORT_COMMIT.test(wanted) ? { hint: "a commit is named by all of its 40 digits" } : {});
  }
  return commit;
}

/** Checks a commit out below `target`, without its history and, unless it is wanted, without .git; gives the directory that the URL means. */
export async function gitCheckout(url: GitUrl, commit: string, target: string, options: GitOptions): Promise<string> {
  mkdirSync(target, { recursive: true });
  const inside = (args: readonly string[]): Promise<string> => git(["-C", target, ...args], url, options);
  await inside(["init", "-q"]);
  try {
    await inside(["fetch", "-q", "--depth", "1", "--no-tags", "--", url.remote, commit]);
  } catch {
    // A server may refuse to give a commit by its name: then its branches and tags, which hold it.
    await inside(["fetch", "-q", "--", url.remote, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]);
  }
  await inside(["checkout", "-q", "--detach", commit]);
  if (url.submodules) await inside(["submodule", "update", "-q", "--init", "--recursive", "--depth", "1"]);
  await forgetCheckout(target, options.keepGitDirectory === true || url.keepGitDirectory === true, url, inside);
  // The repository may hold links that lead out of it: they are followed inside only.
  const directory = follow(new DirectorySource(url.remote, target), bytePath(path.posix.join("/", url.directory)));
  if (directory?.entry.type !== "directory") {
    throw new ExecuteError("bad-context", `${JSON.stringify(url.directory)} is not a directory of ${JSON.stringify(withoutPassword(url.remote))}`);
  }
  return path.join(target, pathText(directory.entry.path));
}

/** Takes .git away, or leaves of it what is the same after each checkout of the commit: no log, and an index without the files' inodes and times. */
async function forgetCheckout(target: string, keep: boolean, { remote }: GitUrl, inside: (args: readonly string[]) => Promise<string>): Promise<void> {
  const directory = path.join(target, ".git");
  if (!keep) return rmSync(directory, { recursive: true, force: true });
  await inside(["read-tree", "HEAD"]);
  await inside(["remote", "add", "origin", withoutPassword(remote)]);
  for (const name of ["logs", "FETCH_HEAD"]) rmSync(path.join(directory, name), { recursive: true, force: true });
}

async function git(args: readonly string[], url: GitUrl, { env, access, signal }: GitOptions): Promise<string> {
  const safe = await gitEnvironment(url, env, access);
  return new Promise((resolve, reject) => {
    execFile("git", ["-c", "protocol.ext.allow=never", ...args], { env: safe, signal, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal.aborted) return reject(signal.reason as Error);
      if (errnoOf(error) === "ENOENT") {
        return reject(new ExecuteError("bad-context", `a git address needs the command "git", which is not installed`, { hint: "install it: apt-get install git" }));
      }
      reject(new ExecuteError("bad-context", `git ${args.includes("fetch") ? "fetch" : (args.find((arg) => /^[a-z-]+$/.test(arg) && !arg.startsWith("-")) ?? "")}: ${saidBy(stderr) || error.message}`, { cause: error }));
    });
  });
}

/** What git said, without its advice on rights. */
function saidBy(stderr: string): string {
  const [said = ""] = stderr.split(/\n\s*\nPlease make sure/);
  return said.replace(/\r/g, "").trim();
}
