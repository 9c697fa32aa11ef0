import { createRequire } from "node:module";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { storeWriteFailure } from "./write-file.ts";

/** Builds in other processes write for moments only; this is long enough to wait for them on any machine. Milliseconds. */
const BUSY_TIMEOUT = 30_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS images (id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS leases (digest TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (digest, holder)) WITHOUT ROWID;
`;

/** The store's one database, opened at its first use. */
export class Database {
  readonly #file: string;
  #connection: DatabaseSync | undefined;

  constructor(root: string) {
    this.#file = path.join(root, "records.sqlite");
  }

  /** All rows of a query. */
  all(sql: string, ...values: readonly (string | number)[]): Record<string, unknown>[] {
    return this.#open().prepare(sql).all(...values);
  }

  /** The first row of a query. */
  get(sql: string, ...values: readonly (string | number)[]): Record<string, unknown> | undefined {
    return this.#open().prepare(sql).get(...values);
  }

  run(sql: string, ...values: readonly (string | number)[]): void {
    try {
      this.#open().prepare(sql).run(...values);
    } catch (error) {
      throw storeWriteFailure(error);
    }
  }

  /** Does all of `work` or nothing of it. */
  transaction<T>(work: () => T): T {
    const connection = this.#open();
    connection.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      connection.exec("COMMIT");
      return result;
    } catch (error) {
      connection.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #open(): DatabaseSync {
    if (this.#connection === undefined) {
      const sqlite = createRequire(import.meta.url)("node:sqlite") as typeof import("node:sqlite");
      const connection = new sqlite.DatabaseSync(this.#file, { timeout: BUSY_TIMEOUT });
      connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
      if (connection.prepare("SELECT name FROM sqlite_schema WHERE name = 'leases'").get() === undefined) {
        connection.exec(SCHEMA);
      }
      this.#connection = connection;
    }
    return this.#connection;
  }
}
