import path from "node:path";
import { nearest } from "../../base/nearest.ts";
import { parseDuration } from "../../dockerfile/parse/duration.ts";
import { csvFields } from "../csv-fields.ts";
import { UsageError } from "../usage-error.ts";

export type CacheFlag = "--cache-from" | "--cache-to";

export interface CommandPlace {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

const NANOSECONDS = 1_000_000;
/** What must not stand in a message. */
const SECRETS = /((?:^|,)"\s*(?:secret_access_key|session_token|token)\s*=)(?:[^"]|"")*|((?:^|,)\s*(?:secret_access_key|session_token|token)\s*=)[^,]*/gi;

/** A cache as a flag writes it: `NAME|type=TYPE[,KEY=VALUE…]`. Each reading throws UsageError for what cannot be. */
export class WrittenCache<T extends string> {
  readonly flag: CacheFlag;
  readonly type: T;
  readonly env: NodeJS.ProcessEnv;
  readonly #text: string;
  readonly #attributes: ReadonlyMap<string, string>;
  readonly #cwd: string;

  private constructor(flag: CacheFlag, text: string, type: T, attributes: ReadonlyMap<string, string>, { cwd, env }: CommandPlace) {
    this.flag = flag;
    this.type = type;
    this.env = env;
    this.#text = text;
    this.#attributes = attributes;
    this.#cwd = cwd;
  }

  /** `known` is what each type may say; `elsewhere` are types of buildx that are not here. A word alone is a name in a registry. */
  static read<T extends string>(flag: CacheFlag, text: string, { known, elsewhere, bare, ...place }: CommandPlace & { readonly known: Readonly<Record<T, readonly string[]>>; readonly elsewhere: readonly string[]; readonly bare: NoInfer<T> }): WrittenCache<T> {
    const fields = csvFields(text);
    if (fields.every((field) => !field.includes("="))) {
      if (fields.length > 1) throw bad(flag, text, "it names more than one cache", `give ${flag} once for each`);
      return new WrittenCache(flag, text, bare, new Map([["ref", text]]), place);
    }
    const attributes = new Map<string, string>();
    for (const field of fields) {
      const equals = field.indexOf("=");
      if (equals < 0) throw bad(flag, text, `invalid value ${field}`, "each of its fields is key=value");
      attributes.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
    }
    const type = typeOf(flag, text, attributes.get("type"), Object.keys(known) as T[], elsewhere);
    attributes.delete("type");
    checkKeys(flag, text, type, [...attributes.keys()], known[type]);
    return new WrittenCache(flag, text, type, attributes, place);
  }

  /** What is written for a key, if it is not empty. */
  get(key: string): string | undefined {
    const written = this.#attributes.get(key);
    return written === "" ? undefined : written;
  }

  /** What is written, else what the first of these variables says that says something. */
  getOr(key: string, ...variables: readonly string[]): string | undefined {
    return this.get(key) ?? variables.map((name) => this.env[name]).find((value) => value !== undefined && value !== "");
  }

  required(key: string, example: string, value = this.get(key)): string {
    if (value === undefined) throw this.bad(`${key} is required for type=${this.type}`, `as in type=${this.type},${key}=${example}`);
    return value;
  }

  path(key: string): string {
    return path.resolve(this.#cwd, this.required(key, "DIRECTORY"));
  }

  isOn(key: string, otherwise = false): boolean {
    const written = this.choice(key, ["true", "false", "1", "0"]);
    return written === undefined ? otherwise : ["true", "1"].includes(written);
  }

  choice(key: string, values: readonly string[]): string | undefined {
    const written = this.#attributes.get(key);
    if (written !== undefined && !values.includes(written)) throw this.bad(`${key} is ${JSON.stringify(written)}`, `it can be ${values.join(" or ")}`);
    return written;
  }

  /** A number of things, one or more. */
  count(key: string, otherwise: number): number {
    const written = this.get(key);
    if (written !== undefined && !/^[1-9]\d{0,3}$/.test(written)) throw this.bad(`${key} is ${JSON.stringify(written)}`, "it is a number, as 4");
    return written === undefined ? otherwise : Number(written);
  }

  /** Milliseconds of a duration as Go writes it. */
  duration(key: string, otherwise: number): number {
    const written = this.get(key);
    const found = written === undefined ? undefined : parseDuration(written);
    if (written !== undefined && (found === undefined || found < 0)) throw this.bad(`${key} is ${JSON.stringify(written)}`, "it is a duration, as 24h or 1m30s");
    return found === undefined ? otherwise : found / NANOSECONDS;
  }

  /** A URL of HTTP or HTTPS, where there is one. */
  url(key: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    const protocol = URL.canParse(value) ? new URL(value).protocol : "";
    if (protocol !== "https:" && protocol !== "http:") throw this.bad(`${key} is ${JSON.stringify(value)}`, "it is a URL, as https://cache.example");
    return value;
  }

  bad(why: string, hint: string): UsageError {
    return bad(this.flag, this.#text, why, hint);
  }
}

function typeOf<T extends string>(flag: CacheFlag, text: string, written: string | undefined, types: readonly T[], elsewhere: readonly string[]): T {
  const found = types.find((one) => one === written);
  if (found !== undefined) return found;
  const all = `there are ${types.join(", ")}`;
  if (written === undefined) throw bad(flag, text, "type is required", all);
  if (elsewhere.includes(written)) throw bad(flag, text, `type=${written} is not there yet`, all);
  const near = nearest(written, types);
  throw bad(flag, text, `unknown cache type ${JSON.stringify(written)}`, near === undefined ? all : `did you mean type=${near}?`);
}

function checkKeys(flag: CacheFlag, text: string, type: string, keys: readonly string[], known: readonly string[]): void {
  const strange = keys.find((key) => !known.includes(key));
  if (strange === undefined) return;
  const near = nearest(strange, known);
  throw bad(flag, text, `${strange} is not supported for type=${type}`, near === undefined ? `type=${type} takes ${known.length === 0 ? "nothing more" : known.join(", ")}` : `did you mean ${near}?`);
}

function bad(flag: CacheFlag, text: string, why: string, hint: string): UsageError {
  return new UsageError("bad-value", `invalid argument ${JSON.stringify(text.replace(SECRETS, "$1$2…"))} for "${flag}" flag: ${why}`, { hint });
}
