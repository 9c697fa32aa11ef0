import { nearest, nearestHint } from "../base/nearest.ts";
import type { Flag, FlagTable } from "./command.ts";
import { UsageError } from "./usage-error.ts";

export type ParsedFlag = boolean | number | string | readonly string[] | undefined;

export interface ParsedLine {
  /** By the table's keys. Every `list` is there; other flags only when given. */
  readonly flags: Readonly<Record<string, ParsedFlag>>;
  readonly args: readonly string[];
}

/** How a flag of the table is written: `noCache` and `no-cache` both as `no-cache`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Reads a command line as Docker (pflag) does: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`,
 * bundles of booleans (`-it`), `--` ends the flags. Without `interspersed` the first positional argument ends them too.
 */
export function parseFlags(table: FlagTable, line: readonly string[], interspersed: boolean): ParsedLine {
  return new LineParser(table, line).parse(interspersed);
}

class LineParser {
  readonly #table: FlagTable;
  readonly #rest: string[];
  readonly #names: ReadonlyMap<string, string>;
  readonly #letters: ReadonlyMap<string, string>;
  readonly #values: Record<string, ParsedFlag> = {};

  constructor(table: FlagTable, line: readonly string[]) {
    this.#table = table;
    this.#rest = [...line];
    const keys = Object.keys(table);
    this.#names = new Map(keys.map((key) => [flagName(key), key]));
    this.#letters = new Map(keys.flatMap((key) => (table[key]!.short === undefined ? [] : [[table[key]!.short!, key]])));
    for (const key of keys.filter((each) => table[each]!.kind === "list")) {
      this.#values[key] = [];
    }
  }

  parse(interspersed: boolean): ParsedLine {
    const args: string[] = [];
    for (let word = this.#rest.shift(); word !== undefined; word = this.#rest.shift()) {
      if (word === "--") {
        args.push(...this.#rest.splice(0));
      } else if (word.startsWith("--")) {
        this.#long(word);
      } else if (word.startsWith("-") && word !== "-") {
        this.#bundle(word);
      } else {
        args.push(word);
        if (!interspersed) args.push(...this.#rest.splice(0));
      }
    }
    return { flags: this.#values, args };
  }

  #long(word: string): void {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const key = this.#names.get(name);
    if (key === undefined) {
      const meant = nearest(name, this.#names.keys());
      throw new UsageError("unknown-flag", `unknown flag: --${name}`, meant === undefined ? {} : { hint: `did you mean --${meant}?` });
    }
    this.#assign(key, `--${name}`, equals < 0 ? undefined : word.slice(equals + 1));
  }

  /** `-it`: all but the last of a bundle stand alone; the first that takes a value takes what is left of the word. */
  #bundle(word: string): void {
    for (let at = 1; at < word.length; at += 1) {
      const letter = word[at]!;
      const key = this.#letters.get(letter);
      if (key === undefined) {
        throw new UsageError("unknown-flag", `unknown shorthand flag: '${letter}' in ${word}`, this.#bundleHint(word));
      }
      const rest = word.slice(at + 1);
      if (rest.startsWith("=")) return this.#assign(key, `-${letter}`, rest.slice(1));
      if (standsAlone(this.#table[key]!)) {
        this.#assign(key, `-${letter}`, undefined);
      } else {
        return this.#assign(key, `-${letter}`, rest === "" ? undefined : rest);
      }
    }
  }

  /** `-name` where `--name` was meant. */
  #bundleHint(word: string): { readonly hint?: string } {
    const name = word.slice(1).replace(/=.*/s, "");
    return name.length > 1 && this.#names.has(name) ? { hint: `did you mean --${name}?` } : {};
  }

  #assign(key: string, written: string, given: string | undefined): void {
    const flag = this.#table[key]!;
    const text = given ?? (standsAlone(flag) ? aloneValue(flag) : this.#rest.shift());
    if (text === undefined) {
      throw new UsageError("missing-value", `flag needs an argument: ${written}`);
    }
    if (flag.kind === "boolean") {
      this.#values[key] = parseBoolean(text, written);
    } else if (flag.kind === "number") {
      this.#values[key] = parseNumber(text, written);
    } else if (flag.kind === "list") {
      this.#values[key] = [...(this.#values[key] as readonly string[]), text];
    } else {
      this.#values[key] = chosen(text, written, flag.choices);
    }
  }
}

function standsAlone(flag: Flag): boolean {
  return flag.kind === "boolean" || flag.kind === "optional";
}

function aloneValue(flag: Flag): string {
  return flag.kind === "boolean" ? "true" : (flag.implied ?? "");
}

/** Throws where the value is none of the flag's choices; offers the nearest. */
function chosen(text: string, written: string, choices: Flag["choices"]): string {
  if (choices === undefined || choices.includes(text)) return text;
  throw new UsageError("bad-value", `invalid argument "${text}" for "${written}" flag: it is one of ${choices.join(", ")}`, nearestHint(text, choices));
}

/** Go's strconv.ParseBool. */
function parseBoolean(text: string, written: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new UsageError("bad-value", `invalid argument "${text}" for "${written}" flag: neither true nor false`);
}

function parseNumber(text: string, written: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new UsageError("bad-value", `invalid argument "${text}" for "${written}" flag: not a number`);
}
