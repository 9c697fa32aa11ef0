import { Failure } from "../../base/failure.ts";
import { PatternError, removePrefix, removeSuffix, replacePattern } from "./pattern.ts";

/** The value of a variable; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  /** The escape character of the Dockerfile: `\` or a backtick. */
  readonly escape: string;
  /** Keep quotes in the result. */
  readonly rawQuotes?: boolean;
  /** Keep escape characters in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes are ordinary characters (here-documents). */
  readonly skipQuotes?: boolean;
  /** Leave `$x` as it stands where x is not set. */
  readonly keepUnset?: boolean;
}

/** A `${…}` or a quote that cannot be understood, or a `${x:?message}` whose variable is not set. */
export class ExpansionError extends Failure {
  readonly code = "bad-substitution" as const;
  /** Where in the text it is. */
  readonly offset: number;
  readonly length: number;

  constructor(message: string, at: { readonly offset: number; readonly length: number }, hint?: string) {
    super(message, hint === undefined ? {} : { hint });
    this.offset = at.offset;
    this.length = at.length;
  }
}

/** Substitutions within substitutions: more of them nobody writes, and the stack holds. */
const DEEPEST = 200;

/** Replaces variables in a word and takes its quotes off, as BuildKit's shell lexer does; the result stays one word. */
export function expandWord(text: string, lookup: Lookup, options: ExpandOptions): string {
  return new Expander(text, lookup, options).run().text;
}

/** As {@link expandWord}, then split at spaces that are not quoted: spaces of variables split too. */
export function expandWords(
  text: string,
  lookup: Lookup,
  options: ExpandOptions,
): readonly string[] {
  return new Expander(text, lookup, options).run().words;
}

interface Expanded {
  readonly text: string;
  readonly words: readonly string[];
}

/** What each end of a part of a substitution ends. */
const ENDS: Readonly<Record<string, string>> = {
  "}": "as in ${name} or ${name:-default}",
  "/": "as in ${name/pattern/replacement}",
};
const SPECIAL_PARAMETERS = "@*#?-$!";

class Expander {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #options: ExpandOptions;
  #at = 0;
  #depth = 0;

  constructor(text: string, lookup: Lookup, options: ExpandOptions) {
    this.#text = text;
    this.#lookup = lookup;
    this.#options = options;
  }

  run(): Expanded {
    return this.#until(undefined, this.#options.rawEscapes === true, 0);
  }

  /** Reads up to the character `stop` (and over it), or to the end when there is none; `start` is that of the substitution. */
  #until(stop: string | undefined, rawEscapes: boolean, start: number): Expanded {
    const words = new Words();
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === stop) {
        this.#at += 1;
        return words.end();
      }
      if (char === "$") {
        words.addSplit(this.#dollar());
      } else if (char === "'" && this.#options.skipQuotes !== true) {
        words.addWhole(this.#singleQuoted());
      } else if (char === '"' && this.#options.skipQuotes !== true) {
        words.addWhole(this.#doubleQuoted(rawEscapes));
      } else if (char === this.#options.escape) {
        words.addWhole(this.#escaped(rawEscapes));
      } else {
        words.addSplit(this.#plain(stop));
      }
    }
    if (stop !== undefined) {
      throw this.#error(`missing ${JSON.stringify(stop)} of a substitution`, start, ENDS[stop]);
    }
    return words.end();
  }

  /** At least one character, and more as long as they mean nothing. */
  #plain(stop: string | undefined): string {
    const start = this.#at;
    do {
      this.#at += 1;
    } while (this.#at < this.#text.length && !this.#isSpecial(this.#text[this.#at]!, stop));
    return this.#text.slice(start, this.#at);
  }

  #isSpecial(char: string, stop: string | undefined): boolean {
    return char === "$" || char === "'" || char === '"' || char === this.#options.escape || char === stop;
  }

  #escaped(raw: boolean): string {
    const next = this.#text[this.#at + 1] ?? "";
    const taken = raw ? this.#options.escape + next : next;
    this.#at += 2;
    return taken;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) {
      throw this.#error("a single quote (') is not closed", this.#at);
    }
    const inner = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return this.#options.rawQuotes === true ? `'${inner}'` : inner;
  }

  #doubleQuoted(rawEscapes: boolean): string {
    const quote = this.#options.rawQuotes === true ? '"' : "";
    const start = this.#at;
    let result = quote;
    this.#at += 1;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === '"') {
        this.#at += 1;
        return result + quote;
      }
      if (char === "$") {
        result += this.#dollar();
      } else if (char === this.#options.escape) {
        result += this.#escapedInQuotes(rawEscapes);
      } else {
        this.#at += 1;
        result += char;
      }
    }
    throw this.#error('a double quote (") is not closed', start);
  }

  /** Inside double quotes only `"`, `$` and the escape character itself are escaped; before others it stands for itself. */
  #escapedInQuotes(raw: boolean): string {
    const { escape } = this.#options;
    const next = this.#text[this.#at + 1];
    this.#at += 1;
    if (next === '"' || next === "$" || next === escape) {
      this.#at += 1;
      return raw ? escape + next : next;
    }
    // BuildKit's lexer writes both the escape character that it keeps and the one that escapes nothing.
    return raw ? escape + escape : next === undefined ? "" : escape;
  }

  #dollar(): string {
    const start = this.#at;
    this.#at += 1;
    if (this.#text[this.#at] === "{") {
      this.#at += 1;
      this.#depth += 1;
      if (this.#depth > DEEPEST) {
        throw this.#error(`substitutions within substitutions, more than ${DEEPEST} deep`, start);
      }
      const value = this.#braced(start);
      this.#depth -= 1;
      return value;
    }
    const name = this.#name();
    return name === "" ? "$" : this.#value(name, start);
  }

  /** After `${`. */
  #braced(start: number): string {
    const name = this.#name();
    const operator = this.#text[this.#at];
    if (operator === undefined) {
      throw this.#error('missing "}" of a substitution', start, ENDS["}"]);
    }
    if (name === "") {
      this.#at += 1;
      throw this.#error("a substitution without the name of a variable", start, "as in ${name}");
    }
    this.#at += 1;
    switch (operator) {
      case "}":
        return this.#value(name, start);
      case "/":
        return this.#replaced(name, start);
      case ":":
        return this.#conditional(name, this.#text[this.#at++] ?? "", true, start);
      default:
        return this.#conditional(name, operator, false, start);
    }
  }

  #conditional(name: string, operator: string, emptyIsUnset: boolean, start: number): string {
    const trims = operator === "#" || operator === "%";
    if (operator === "" || !"+-?#%".includes(operator) || (emptyIsUnset && trims)) {
      throw this.#error(
        `unsupported modifier ${JSON.stringify((emptyIsUnset ? ":" : "") + operator)} in the substitution of ${name}`,
        start,
        "the modifiers are :- :+ :? - + ? # ## % %% / //",
      );
    }
    const word = this.#until("}", trims, start).text;
    const value = this.#lookup(name);
    if (value === undefined && this.#options.keepUnset === true) {
      return this.#text.slice(start, this.#at);
    }
    const isSet = value !== undefined && !(emptyIsUnset && value === "");
    switch (operator) {
      case "-":
        return isSet ? value : word;
      case "+":
        return isSet ? word : "";
      case "?":
        if (!isSet) {
          throw this.#error(
            `${name}: ${word !== "" ? word : `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`,
            start,
          );
        }
        return value;
      default:
        return this.#matching(start, () => trim(operator, word, value ?? ""));
    }
  }

  #replaced(name: string, start: number): string {
    const all = this.#text[this.#at] === "/";
    this.#at += all ? 1 : 0;
    const pattern = this.#until("/", true, start).text;
    const replacement = this.#until("}", true, start).text;
    const value = this.#lookup(name);
    if (value === undefined && this.#options.keepUnset === true) {
      return this.#text.slice(start, this.#at);
    }
    return this.#matching(start, () => replacePattern(value ?? "", pattern, replacement, all));
  }

  #matching(start: number, match: () => string): string {
    try {
      return match();
    } catch (error) {
      throw error instanceof PatternError ? this.#error(error.message, start, error.hint) : error;
    }
  }

  /** From `start` to what has been read. */
  #error(message: string, start: number, hint?: string): ExpansionError {
    const end = Math.max(start + 1, Math.min(this.#at, this.#text.length));
    return new ExpansionError(message, { offset: start, length: end - start }, hint);
  }

  #value(name: string, start: number): string {
    return (
      this.#lookup(name) ??
      (this.#options.keepUnset === true ? this.#text.slice(start, this.#at) : "")
    );
  }

  /** A name, a number or one special parameter, as POSIX has them. */
  #name(): string {
    const match = /^(?:[0-9]+|[\p{L}_][\p{L}\p{Nd}_]*)/u.exec(this.#text.slice(this.#at));
    const next = this.#text[this.#at];
    const name =
      match?.[0] ?? (next !== undefined && SPECIAL_PARAMETERS.includes(next) ? next : "");
    this.#at += name.length;
    return name;
  }
}

function trim(operator: string, word: string, value: string): string {
  const greedy = word.startsWith(operator);
  const pattern = greedy ? word.slice(1) : word;
  return operator === "#"
    ? removePrefix(value, pattern, greedy)
    : removeSuffix(value, pattern, greedy);
}

/** Collects one text and, beside it, the words that unquoted spaces split it into. */
class Words {
  #text = "";
  #word = "";
  readonly #words: string[] = [];

  addWhole(text: string): void {
    this.#text += text;
    this.#word += text;
  }

  addSplit(text: string): void {
    this.#text += text;
    const [first = "", ...more] = text.split(/\s+/);
    this.#word += first;
    for (const word of more) {
      this.#finish();
      this.#word = word;
    }
  }

  end(): Expanded {
    this.#finish();
    return { text: this.#text, words: this.#words };
  }

  #finish(): void {
    if (this.#word !== "") {
      this.#words.push(this.#word);
      this.#word = "";
    }
  }
}
