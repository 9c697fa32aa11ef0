import { nearest } from "../../base/nearest.ts";
import { ExecuteError } from "../execute-error.ts";

/** A git URL taken apart: `https://host/repo.git#ref:directory`, or `?branch=…&subdir=…` (docker build, Git repositories). */
export interface GitUrl {
  readonly remote: string;
  /** A branch, tag or commit; the remote's HEAD when there is none. */
  readonly ref: string | undefined;
  /** Below the repository's root; "" for the root. */
  readonly directory: string;
  /** The commit that it must be, or how that begins. */
  readonly checksum: string | undefined;
  readonly submodules: boolean;
  /** Leave .git where it is; undefined where the address does not say. */
  readonly keepGitDirectory: boolean | undefined;
}

/** A commit by its whole name. */
export const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Reads a git URL, or undefined when the text names none: a git:// or ssh address, `git@host:path`, or http(s) whose path ends in .git.
 * Throws {@link ExecuteError} for a query that says nothing or two things.
 */
export function parseGitUrl(text: string): GitUrl | undefined {
  const hash = text.indexOf("#");
  const [remote, query] = cutAt(hash < 0 ? text : text.slice(0, hash), "?");
  const isGit = /^(?:git|ssh):\/\//.test(remote) || /^git@[\w.-]+:/.test(remote) || /^https?:\/\/.+\.git$/.test(remote) || /^(?:github\.com|gitlab\.com)\//.test(remote);
  if (!isGit) {
    return undefined;
  }
  const [ref, directory] = cutAt(hash < 0 ? "" : text.slice(hash + 1), ":");
  const asked = readQuery(query);
  return {
    remote: /^git(?:hub|lab)\.com\//.test(remote) ? `https://${remote}` : remote,
    ref: agreed("ref", [ref, asked.get("ref"), refBelow("heads", asked.get("branch")), refBelow("tags", asked.get("tag"))]) ?? wholeCommit(asked.get("checksum")),
    directory: agreed("subdir", [directory, asked.get("subdir")]) ?? "",
    checksum: asked.get("checksum"),
    submodules: readSwitch("submodules", asked) ?? true,
    keepGitDirectory: readSwitch("keep-git-dir", asked),
  };
}

function cutAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** BuildKit's words of a git URL's query. */
const QUERY: readonly string[] = ["ref", "branch", "tag", "subdir", "commit", "checksum", "submodules", "keep-git-dir"];

/** Those that may stand without a value. */
const SWITCHES: readonly string[] = ["submodules", "keep-git-dir"];

function readQuery(query: string): ReadonlyMap<string, string> {
  const asked = new Map<string, string>();
  for (const [written, value] of new URLSearchParams(query)) {
    if (!QUERY.includes(written)) {
      const meant = nearest(written, QUERY);
      throw new ExecuteError("bad-context", `unexpected query ${JSON.stringify(written)} of a git URL: known are ${QUERY.join(", ")}`, meant === undefined ? {} : { hint: `did you mean ${meant}=?` });
    }
    const name = written === "commit" ? "checksum" : written;
    const one = agreed(name, [asked.get(name), value === "" && SWITCHES.includes(written) ? "true" : value]);
    if (one !== undefined) asked.set(name, one);
  }
  return asked;
}

/** Go's strconv.ParseBool. */
function readSwitch(name: string, asked: ReadonlyMap<string, string>): boolean | undefined {
  const text = asked.get(name);
  if (text === undefined) return undefined;
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new ExecuteError("bad-context", `invalid ${name} value: ${JSON.stringify(text)}: expected true or false`);
}

/** The one thing that is said, once or more; undefined when nothing is. */
function agreed(name: string, said: readonly (string | undefined)[]): string | undefined {
  const [one, other] = new Set(said.filter((text) => text !== undefined && text !== ""));
  if (other === undefined) return one;
  throw new ExecuteError("bad-context", `${name} conflicts in a git URL: ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
}

function refBelow(kind: "heads" | "tags", name: string | undefined): string | undefined {
  return name === undefined ? undefined : `refs/${kind}/${name}`;
}

/** A commit that needs no branch to be found. */
export function wholeCommit(checksum: string | undefined): string | undefined {
  return checksum !== undefined && COMMIT.test(checksum) ? checksum : undefined;
}
