import { starExpression, tooLarge } from "../base/star-expression.ts";
import { SourceError } from "../diagnostics/source-error.ts";
import { SourceText } from "../diagnostics/source-text.ts";

/** A pattern of an ignore file that nothing can match. */
export class IgnoreError extends SourceError {
  readonly code = "bad-pattern" as const;
}

/** What an ignore file says about paths: text relative to the context, "/" between names, none at the ends. */
export interface IgnoreRules {
  ignores(path: string): boolean;
  /** False when no `!` rule can let anything below this ignored directory back in. */
  mayContainIncluded(directory: string): boolean;
  /** The rule that ignores the path: `.dockerignore, line 3: "*.log"`. */
  explain(path: string): string | undefined;
}

interface Rule {
  readonly line: number;
  readonly written: string;
  /** A `!` rule. */
  readonly includes: boolean;
  readonly parts: readonly string[];
  matches(path: string): boolean;
}

/** Which rules match a path or a directory above it, and the last one that decides. */
interface Verdict {
  readonly matched: readonly boolean[];
  /** Place of the rule that ignores the path; -1 when it is not ignored. */
  readonly ignoredBy: number;
}

/** Reads a .dockerignore with the rules of moby's patternmatcher, which BuildKit applies. Throws {@link IgnoreError}. */
export function parseIgnore(text: string, fileName: string): IgnoreRules {
  return new ParsedIgnore(fileName, readRules(new SourceText(fileName, text)));
}

class ParsedIgnore implements IgnoreRules {
  readonly #file: string;
  readonly #rules: readonly Rule[];
  /** Verdicts of directories: every file of a directory asks for its. */
  readonly #directories = new Map<string, Verdict>();

  constructor(file: string, rules: readonly Rule[]) {
    this.#file = file;
    this.#rules = rules;
  }

  ignores(path: string): boolean {
    return this.#rules.length > 0 && this.#judge(path).ignoredBy >= 0;
  }

  /** The rule that ignores the directory also matches all below it, so only `!` rules after it can let something in. */
  mayContainIncluded(directory: string): boolean {
    const { ignoredBy } = this.#directory(directory);
    const parts = directory.split("/");
    return this.#rules.some(
      (rule, place) => place > ignoredBy && rule.includes && reachesBelow(rule, parts),
    );
  }

  explain(path: string): string | undefined {
    const rule = this.#rules[this.#judge(path).ignoredBy];
    return rule === undefined
      ? undefined
      : `${this.#file}, line ${rule.line}: ${JSON.stringify(rule.written)}`;
  }

  #directory(path: string): Verdict {
    const known = this.#directories.get(path);
    if (known !== undefined) {
      return known;
    }
    const verdict = this.#judge(path);
    this.#directories.set(path, verdict);
    return verdict;
  }

  /** MatchesUsingParentResults: a rule that matched the directory matches what is in it; rules that could change nothing are not asked. */
  #judge(path: string): Verdict {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? undefined : this.#directory(path.slice(0, slash));
    const matched: boolean[] = [];
    let ignoredBy = -1;
    for (const [place, rule] of this.#rules.entries()) {
      const match =
        parent?.matched[place] === true || (rule.includes === ignoredBy >= 0 && rule.matches(path));
      matched.push(match);
      if (match) {
        ignoredBy = rule.includes ? -1 : place;
      }
    }
    return { matched, ignoredBy };
  }
}

function reachesBelow(rule: Rule, directory: readonly string[]): boolean {
  for (const [place, name] of directory.entries()) {
    const part = rule.parts[place];
    if (part === undefined) {
      return false;
    }
    if (part.includes("**") || part.includes("\\")) {
      return true;
    }
    if (!compile(part)(name)) {
      return false;
    }
  }
  return true;
}

function readRules(source: SourceText): Rule[] {
  const rules: Rule[] = [];
  for (let line = 1; line <= source.rawLines.length; line += 1) {
    const text = source.line(line);
    const written = text.trim();
    if (text.startsWith("#") || written === "") {
      continue;
    }
    const column = text.indexOf(written) + 1;
    const range = { start: { line, column }, end: { line, column: column + written.length } };
    const includes = written.startsWith("!");
    const rest = (includes ? written.slice(1) : written).trim();
    const pattern = clean(rest);
    // moby/patternmatcher cleans "!/" once more, and then nothing is left after the "!".
    if (pattern === "" || (includes && pattern === "." && rest.startsWith("/"))) {
      throw new IgnoreError(source, range, 'a "!" needs a pattern after it');
    }
    const large = tooLarge(pattern);
    if (large !== undefined) {
      throw new IgnoreError(source, range, `a pattern cannot be looked for: ${large}`);
    }
    const matches = compile(
      pattern,
      () =>
        new IgnoreError(source, range, `${JSON.stringify(pattern)} is not a pattern`, {
          hint: 'a "[" needs its "]"; "\\[" is the character itself, and a letter has no "\\" before it',
        }),
    );
    rules.push({ line, written, includes, parts: pattern.split("/"), matches });
  }
  return rules;
}

/** Go's filepath.Clean, and a pattern never starts with a slash. */
function clean(pattern: string): string {
  if (pattern === "") {
    return "";
  }
  const parts: string[] = [];
  for (const part of pattern.split("/")) {
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") {
      parts.pop();
    } else if (part === ".." ? !pattern.startsWith("/") : part !== "" && part !== ".") {
      parts.push(part);
    }
  }
  return parts.length > 0 ? parts.join("/") : ".";
}

type Matches = (path: string) => boolean;

/** `**` crosses directories, `*` and `?` do not; `**` alone at one end is a plain test of the other end, as in moby. */
function compile(pattern: string, fail?: () => Error): Matches {
  if (!/[*?[\]\\]/.test(pattern)) {
    return (path) => path === pattern;
  }
  const special = /[*?[\]\\]/;
  if (pattern.startsWith("**") && !special.test(pattern.slice(2))) {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith("/") && path === suffix.slice(1));
  }
  if (pattern.endsWith("**") && !special.test(pattern.slice(0, -2))) {
    const prefix = pattern.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  const expression = compileExpression(pattern);
  if (expression === undefined) {
    if (fail === undefined) {
      return () => true;
    }
    throw fail();
  }
  return (path) => expression.test(path);
}

const TOKEN = /\*\*\/?$|\*\*\/?|\*|\?|\[(?:\\.|[^\]\\])+\]|\\?[^]/gsu;

/** A stretch between two `**`: the segments between its `*`. */
type Stretch = string[][];

/** Undefined for a pattern that is none. */
function compileExpression(pattern: string): RegExp | undefined {
  try {
    const stretches = stretchesOf(pattern);
    return stretches && new RegExp(`^${joinStretches(stretches)}$`, "su");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function stretchesOf(pattern: string): Stretch[] | undefined {
  const stretches: Stretch[] = [[[]]];
  let at = 0;
  for (const token of pattern.match(TOKEN) ?? []) {
    at += token.length;
    const stretch = stretches.at(-1)!;
    if (token.startsWith("**") && at < pattern.length) {
      stretches.push([[]]);
    } else if (token === "*") {
      stretch.push([]);
    } else if (token === "[") {
      return undefined;
    } else {
      stretch.at(-1)!.push(atom(token));
    }
  }
  return stretches;
}

/** What one character may be; `**` at the end takes all that is left. */
function atom(token: string): string {
  if (token.startsWith("**")) return ".*";
  if (token === "?") return "[^/]";
  return token.length > 1 && token.startsWith("[") ? characterClass(token) : literal(token);
}

/** As with stars (see {@link starExpression}), the first place of a stretch behind a `**` is the right one: a later one ends later. */
function joinStretches(stretches: readonly Stretch[]): string {
  const written = stretches.map((segments, place) =>
    starExpression(segments.map((segment) => segment.join("")), "[^/]", { greedy: true, group: `s${place}_` }),
  );
  const last = written.pop()!;
  const found = written.map((stretch, place) =>
    place === 0 ? stretch : `(?=(?<d${place}>(?:.*?/)??${stretch}))\\k<d${place}>`,
  );
  return written.length === 0 ? last : `${found.join("")}(?:.*/)?${last}`;
}

function characterClass(token: string): string {
  const negated = token.startsWith("[^");
  const inner = token
    .slice(negated ? 2 : 1, -1)
    .replace(/\\?[^]/gsu, (char) => (char === "-" ? char : literal(char).replace(/^\[(?!\^)(.*)\]$/s, "$1")));
  return `[${negated ? "^" : ""}${inner}]`;
}

/** What Go's regexp takes an escaped letter for: moby hands escapes on to it as they are, so `\a` is a bell and no "a". */
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\\x07",
  f: "\\f",
  n: "\\n",
  r: "\\r",
  t: "\\t",
  v: "\\v",
  d: "[0-9]",
  D: "[^0-9]",
  w: "[0-9A-Za-z_]",
  W: "[^0-9A-Za-z_]",
  s: "[\\t\\n\\f\\r ]",
  S: "[^\\t\\n\\f\\r ]",
};

function literal(token: string): string {
  const isEscaped = token.length > 1 && token.startsWith("\\");
  const char = isEscaped ? token.slice(1) : token;
  if (isEscaped && Object.hasOwn(ESCAPES, char)) {
    return ESCAPES[char]!;
  }
  // oxlint-disable-next-line no-control-regex -- all that is ASCII
  if (isEscaped && /[0-9A-Za-z]|[^\x00-\x7f]/.test(char)) {
    throw new SyntaxError(`no escape ${token}`);
  }
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, (special) =>
    special === "-" ? "\\x2d" : `\\${special}`,
  );
}
