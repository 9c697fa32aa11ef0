import { bytePath, joinPath, parentPath, pathText, type BytePath } from "../../base/byte-path.ts";
import { nearest } from "../../base/nearest.ts";
import { starExpression, tooLarge } from "../../base/star-expression.ts";
import { ExecuteError } from "../execute-error.ts";
import type { FileSource, SourceEntry } from "../value.ts";

/** What one source argument of a COPY chose: top-level entries, symlinks followed. */
export interface Selection {
  readonly pattern: string;
  readonly wildcard: boolean;
  readonly chosen: readonly Chosen[];
  /** The chosen keep the directories between their root and themselves, names and all (`--parents`). */
  readonly parents?: true;
  /** The source without what is excluded. */
  readonly view?: FileSource;
}

/** A chosen entry under the name it was asked for and, where that is a symlink, the entry it leads to. */
export interface Chosen {
  readonly name: string;
  readonly source: SourceEntry;
  /** With `--parents`: the directory that `name` is relative to. */
  readonly root?: BytePath;
}

const WILDCARD = /[*?[]/;
const MAX_LINKS = 40;

/**
 * The entries that a source argument of COPY or ADD names: a path, or a pattern in the syntax of Go's filepath.Match
 * (Dockerfile reference, COPY), where `**` is no more than `*`. Throws {@link ExecuteError} when a plain path is not there; a pattern may match nothing.
 */
export function select(source: FileSource, pattern: string): Selection {
  const parts = cleanParts(pattern);
  if (!parts.some((part) => WILDCARD.test(part))) {
    const path = bytePath(parts.join("/").replace(/\\(.)/g, "$1"));
    return { pattern, wildcard: false, chosen: [{ name: lastName(path), source: found(source, path, pattern) }] };
  }
  return { pattern, wildcard: true, chosen: matchParts(source, "" as BytePath, parts) };
}

/**
 * The same for `--parents`: the names below the source's root, or below what stands before a pivot (`/./`). Links are
 * followed on the way to the pivot only, and otherwise copied as links.
 */
export function selectWithParents(source: FileSource, pattern: string): Selection {
  const pivot = pattern.indexOf("/./");
  const roots = pivot <= 0 ? [rootPath(source)] : select(source, pattern.slice(0, pivot)).chosen.map((chosen) => chosen.source.entry).filter(({ type }) => type === "directory");
  const parts = cleanParts(pivot < 0 ? pattern : pattern.slice(pivot + 3));
  const wildcard = parts.some((part) => WILDCARD.test(part));
  const chosen = roots.flatMap((root): Chosen[] => {
    const matched = parts.length === 0 ? [source.get(root.path)!] : matchEntries(source, root.path, parts);
    return matched.map((entry) => ({ name: entry.entry.path.slice(root.path === "" ? 0 : root.path.length + 1), source: entry, root: root.path }));
  });
  if (chosen.length === 0 && !wildcard) {
    throw notFound(source, pattern, joinPath(roots[0]?.path ?? bytePath(""), parts.join("/")));
  }
  return { pattern, wildcard, chosen, parents: true };
}

/** The directories below `root` that an entry lies in, the highest first. */
export function directoriesBetween(source: FileSource, root: BytePath, path: BytePath): readonly SourceEntry[] {
  const parent = parentPath(path);
  if (path === root || parent === root) return [];
  const entry = source.get(parent);
  return [...directoriesBetween(source, root, parent), ...(entry === undefined ? [] : [entry])];
}

function rootPath(source: FileSource): Pick<SourceEntry["entry"], "path"> {
  return source.get(bytePath(""))?.entry ?? { path: bytePath("") };
}

/** The entry behind one path, as `written`. Throws {@link ExecuteError} that says why it cannot be had. */
export function found(source: FileSource, path: BytePath, written: string): SourceEntry {
  const entry = follow(source, path);
  if (entry === undefined) {
    throw notFound(source, written, path);
  }
  return entry;
}

/** Components of a source path below the source's root: `..` cannot climb above it, as in Docker. */
function cleanParts(pattern: string): string[] {
  const parts: string[] = [];
  for (const part of pattern.split("/")) {
    if (part === "..") {
      parts.pop();
    } else if (part !== "" && part !== ".") {
      parts.push(part);
    }
  }
  return parts;
}

/** What a pattern names below a directory, no link followed. */
function matchEntries(source: FileSource, directory: BytePath, parts: readonly string[]): SourceEntry[] {
  const [first, ...rest] = parts;
  if (first === undefined) return [];
  if (first === "**") {
    return descendants(source, directory, rest);
  }
  const matcher = componentMatcher(first);
  return source.children(directory).filter(({ entry }) => matcher.test(nameBelow(directory, entry.path))).flatMap((child) => (rest.length === 0 ? [child] : child.entry.type === "directory" ? matchEntries(source, child.entry.path, rest) : []));
}

/** `**` stands for any number of directories; at a pattern's end for all that is below, at any depth. */
function descendants(source: FileSource, directory: BytePath, rest: readonly string[]): SourceEntry[] {
  const here = matchEntries(source, directory, rest.length === 0 ? ["*"] : rest);
  const below = source.children(directory).filter(({ entry }) => entry.type === "directory");
  return [...here, ...below.flatMap(({ entry }) => descendants(source, entry.path, rest))];
}

function nameBelow(directory: BytePath, path: BytePath): string {
  return path.slice(directory === "" ? 0 : directory.length + 1);
}

function matchParts(source: FileSource, directory: BytePath, parts: readonly string[]): Chosen[] {
  const [first, ...rest] = parts;
  if (first === undefined) {
    return [];
  }
  const matcher = componentMatcher(first);
  const chosen: Chosen[] = [];
  for (const child of source.children(directory)) {
    const name = nameBelow(directory, child.entry.path);
    if (!matcher.test(name)) {
      continue;
    }
    const target = follow(source, child.entry.path);
    if (rest.length === 0) {
      chosen.push({ name, source: target ?? found(source, child.entry.path, name) });
    } else if (target?.entry.type === "directory") {
      chosen.push(...matchParts(source, target.entry.path, rest));
    }
  }
  return chosen;
}

/** One path component of a pattern as a regular expression over byte strings: `*`, `?`, `[a-z]`, `[^a]`, `\x` (Go's filepath.Match). */
function componentMatcher(pattern: string): RegExp {
  const bytes = Buffer.from(pattern, "utf8").toString("latin1");
  const large = tooLarge(bytes);
  if (large !== undefined) {
    throw new ExecuteError("not-found", `the pattern ${JSON.stringify(pattern.slice(0, 40))}… cannot be looked for: ${large}`);
  }
  const segments = [""];
  const add = (text: string): void => void (segments[segments.length - 1] += text);
  for (let at = 0; at < bytes.length; at += 1) {
    const character = bytes[at]!;
    if (character === "*") {
      segments.push("");
    } else if (character === "?") {
      // One character of text is one to four bytes of UTF-8.
      add("(?:[\\x00-\\x7f]|[\\xc0-\\xff][\\x80-\\xbf]*(?![\\x80-\\xbf])|[\\x80-\\xbf])");
    } else if (character === "[") {
      const end = bytes.indexOf("]", at + 2);
      if (end < 0) {
        throw new ExecuteError("not-found", `the pattern ${JSON.stringify(pattern)} has a "[" without its "]"`);
      }
      add(`[${bytes.slice(at + 1, end).replace(/\\(?=[^\]\\^-])/g, "").replace(/\[/g, "\\[")}]`);
      at = end;
    } else {
      const literal = character === "\\" && at + 1 < bytes.length ? bytes[(at += 1)]! : character;
      add(literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    }
  }
  return new RegExp(`^${starExpression(segments, "[^/]", { greedy: true, group: "s" })}$`, "s");
}

/**
 * The entry behind a path, every symlink on the way and at its end followed inside the source's root; a link that
 * climbs out stops at the root, as in a chroot, so nothing outside can be reached.
 */
export function follow(source: FileSource, path: BytePath): SourceEntry | undefined {
  let pending = path === "" ? [] : path.split("/");
  let done: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending.shift()!;
    if (part === "" || part === ".") {
      continue;
    }
    if (part === "..") {
      done.pop();
      continue;
    }
    const entry = source.get(joinPath(done.join("/") as BytePath, part));
    if (entry === undefined) {
      return undefined;
    }
    if (entry.entry.type !== "symlink") {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) {
      throw new ExecuteError("not-found", `too many symbolic links on the way to ${JSON.stringify(pathText(path))} in ${source.name}`);
    }
    const target = entry.entry.link ?? "";
    done = target.startsWith("/") ? [] : done;
    pending = [...target.split("/"), ...pending];
  }
  return source.get(done.join("/") as BytePath);
}

function notFound(source: FileSource, pattern: string, path: BytePath): ExecuteError {
  const hidden = source.hiddenBecause(path);
  if (hidden !== undefined) {
    return new ExecuteError("not-found", `${JSON.stringify(pattern)} is not in ${source.name}: ${hidden}`);
  }
  const link = source.get(path);
  if (link?.entry.type === "symlink") {
    const target = JSON.stringify(pathText(link.entry.link ?? ""));
    return new ExecuteError("outside-context", `${JSON.stringify(pattern)} is a symbolic link to ${target}, which is not in ${source.name}`);
  }
  const slash = path.lastIndexOf("/");
  const directory = follow(source, path.slice(0, Math.max(slash, 0)) as BytePath);
  const names = directory?.entry.type === "directory" ? source.children(directory.entry.path).map((child) => lastName(child.entry.path)) : [];
  const near = nearest(lastName(path), names);
  const outside = pattern.startsWith("../") ? ` (a path cannot leave ${source.name})` : "";
  return new ExecuteError("not-found", `${JSON.stringify(pattern)} is not in ${source.name}${outside}`, {
    ...(near === undefined ? {} : { hint: `did you mean ${JSON.stringify(pathText(near))}?` }),
  });
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
