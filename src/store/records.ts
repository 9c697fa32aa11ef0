import { canonicalJson, type Json } from "../base/canonical-json.ts";
import type { Claims } from "./claims.ts";
import type { Database } from "./database.ts";

export interface Record {
  readonly key: string;
  readonly value: Json;
  /** When it was written, milliseconds since the epoch. */
  readonly time: number;
}

/** Small facts by kind and key: what step made which layer, the decisions of builds. */
export class RecordStore {
  readonly #database: Database;
  readonly #claims: Claims;

  constructor(database: Database, claims: Claims) {
    this.#database = database;
    this.#claims = claims;
  }

  get(kind: string, key: string): Json | undefined {
    const row = this.#database.get("SELECT value FROM records WHERE kind = ? AND key = ?", kind, key);
    return row === undefined ? undefined : (JSON.parse(row["value"] as string) as Json);
  }

  put(kind: string, key: string, value: Json): void {
    this.#database.run("INSERT OR REPLACE INTO records (kind, key, value, time) VALUES (?, ?, ?, ?)", kind, key, canonicalJson(value), Date.now());
  }

  delete(kind: string, key: string): void {
    this.#database.run("DELETE FROM records WHERE kind = ? AND key = ?", kind, key);
  }

  list(kind: string): Record[] {
    const rows = this.#database.all("SELECT key, value, time FROM records WHERE kind = ? ORDER BY key", kind);
    return rows.map(({ key, value, time }) => ({ key: key as string, value: JSON.parse(value as string) as Json, time: time as number }));
  }

  /** Waits until nobody else works on `key`. */
  claim(key: string): Promise<AsyncDisposable> {
    return this.#claims.claim(key);
  }
}
