import { canonicalJson, type Json } from "../base/canonical-json.ts";
import type { Shape } from "../base/shape.ts";
import type { Claims } from "./claims.ts";
import type { Database } from "./database.ts";

export interface Record<T> {
  readonly key: string;
  readonly value: T;
  /** When it was written or touched, milliseconds since the epoch. */
  readonly time: number;
}

/** Small facts by kind and key: what step made which layer, the decisions of builds. One that is not what it should be, as a crash, a hand or another version may have left it, is as none. */
export class RecordStore {
  readonly #database: Database;
  readonly #claims: Claims;
  /** What was met and counted as none, by kind and key. */
  readonly #broken = new Map<string, { readonly kind: string; readonly key: string; readonly text: string }>();

  constructor(database: Database, claims: Claims) {
    this.#database = database;
    this.#claims = claims;
  }

  get<T>(kind: string, key: string, is: Shape<T>): T | undefined {
    const row = this.#database.get("SELECT value FROM records WHERE kind = ? AND key = ?", kind, key);
    return row === undefined ? undefined : this.#read(kind, key, row["value"], is);
  }

  put(kind: string, key: string, value: Json): void {
    this.#database.run("INSERT OR REPLACE INTO records (kind, key, value, time) VALUES (?, ?, ?, ?)", kind, key, canonicalJson(value), Date.now());
  }

  /** Where a record is older than `age` milliseconds, sets its time to `now` and its value to what `change` makes of it. */
  touch<T>(kind: string, key: string, { now, age, is, change }: { readonly now: number; readonly age: number; readonly is: Shape<T>; readonly change: (value: T) => Json }): void {
    const row = this.#database.get("SELECT value, time FROM records WHERE kind = ? AND key = ?", kind, key);
    if (row === undefined || now - (row["time"] as number) <= age) return;
    const value = this.#read(kind, key, row["value"], is);
    if (value !== undefined) this.#database.run("UPDATE records SET time = ?, value = ? WHERE kind = ? AND key = ?", now, canonicalJson(change(value)), kind, key);
  }

  delete(kind: string, key: string): void {
    this.#database.run("DELETE FROM records WHERE kind = ? AND key = ?", kind, key);
  }

  /** Removes all of a kind but the `count` that were written last. */
  keepNewest(kind: string, count: number): void {
    this.#database.run("DELETE FROM records WHERE kind = ? AND key NOT IN (SELECT key FROM records WHERE kind = ? ORDER BY time DESC LIMIT ?)", kind, kind, count);
  }

  /** Removes all that is kept about these digests: records whose key or whole value is one of them. */
  forget(digests: ReadonlySet<string>): void {
    if (digests.size === 0) {
      return;
    }
    const rows = this.#database.all("SELECT kind, key, value FROM records WHERE key LIKE 'sha256:%' OR value LIKE '\"sha256:%'") as { kind: string; key: string; value: string }[];
    for (const { kind, key, value } of rows) {
      if (digests.has(key) || digests.has(value.slice(1, -1))) this.delete(kind, key);
    }
  }

  list<T>(kind: string, is: Shape<T>): Record<T>[] {
    const rows = this.#database.all("SELECT key, value, time FROM records WHERE kind = ? ORDER BY key", kind) as { key: string; value: unknown; time: number }[];
    return rows.flatMap(({ key, value: text, time }) => {
      const value = this.#read(kind, key, text, is);
      return value === undefined ? [] : [{ key, value, time }];
    });
  }

  /** Removes the records that were met and counted as none, unless they are others by now. Gives the kind of each. */
  removeBroken(): readonly string[] {
    const met = [...this.#broken.values()];
    for (const { kind, key, text } of met) this.#database.run("DELETE FROM records WHERE kind = ? AND key = ? AND value = ?", kind, key, text);
    this.#broken.clear();
    return met.map(({ kind }) => kind);
  }

  /** The keys of a kind, sorted. */
  keys(kind: string): string[] {
    return this.#database.all("SELECT key FROM records WHERE kind = ? ORDER BY key", kind).map(({ key }) => key as string);
  }

  /** The names of all records, for {@link forgetSince}. */
  names(): ReadonlySet<string> {
    return new Set(this.#database.all("SELECT kind, key FROM records").map(nameOf));
  }

  /** Removes all records but those of these names. */
  forgetSince(names: ReadonlySet<string>): void {
    const fresh = this.#database.all("SELECT kind, key FROM records").filter((row) => !names.has(nameOf(row)));
    this.#database.transaction(() => fresh.forEach(({ kind, key }) => this.delete(kind as string, key as string)));
  }

  /** Waits until nobody else works on `key`. */
  claim(key: string): Promise<AsyncDisposable> {
    return this.#claims.claim(key);
  }

  #read<T>(kind: string, key: string, text: unknown, is: Shape<T>): T | undefined {
    const value = valueIn(text);
    if (is(value)) return value;
    this.#broken.set(`${kind} ${key}`, { kind, key, text: text as string });
    return undefined;
  }
}

function valueIn(text: unknown): unknown {
  try {
    return JSON.parse(text as string);
  } catch {
    return undefined;
  }
}

function nameOf({ kind, key }: { readonly [column: string]: unknown }): string {
  return `${kind as string}\0${key as string}`;
}
