import { accessSync, constants, readdirSync, statfsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { errnoOf, reasonOf } from "../base/failure.ts";
import type { Reserve } from "./reserve.ts";
import { StoreFailure } from "./store-error.ts";

/** Builds in other processes write for moments only; this is long enough to wait for them on any machine. Milliseconds. */
const BUSY_TIMEOUT = 30_000;

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const RESULT = { readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS images (id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS leases (digest TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (digest, holder)) WITHOUT ROWID;
`;

/** The store's one database, opened at its first use. All methods throw StoreFailure `disk-full`, `read-only` or `damaged`. */
export class Database {
  readonly #root: string;
  readonly #file: string;
  readonly #reserve: Reserve;
  readonly #readOnly: boolean;
  #connection: DatabaseSync | undefined;

  /** With `readOnly` nothing is written, neither a record nor a file beside the database. */
  constructor(root: string, reserve: Reserve, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#root = root;
    this.#file = path.join(root, "records.sqlite");
    this.#reserve = reserve;
    this.#readOnly = readOnly;
  }

  /** All rows of a query. */
  all(sql: string, ...values: readonly (string | number)[]): Record<string, unknown>[] {
    return this.#do((connection) => connection.prepare(sql).all(...values));
  }

  /** The first row of a query. */
  get(sql: string, ...values: readonly (string | number)[]): Record<string, unknown> | undefined {
    return this.#do((connection) => connection.prepare(sql).get(...values));
  }

  run(sql: string, ...values: readonly (string | number)[]): void {
    this.#do((connection) => void connection.prepare(sql).run(...values));
  }

  /** Does all of `work` or nothing of it. */
  transaction<T>(work: () => T): T {
    this.#do((connection) => connection.exec("BEGIN IMMEDIATE"));
    try {
      const result = work();
      this.#do((connection) => connection.exec("COMMIT"));
      return result;
    } catch (error) {
      if (this.#connection?.isTransaction === true) this.#connection.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #do<T>(work: (connection: DatabaseSync) => T): T {
    try {
      return work((this.#connection ??= this.#open()));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #open(): DatabaseSync {
    this.#checkNotEmptied();
    if (this.#readOnly) return openToRead(this.#file);
    try {
      return connect(this.#file);
    } catch (error) {
      if (isFull(this.#root) && this.#reserve.lend()) {
        return this.#open(); // its shared memory and log need room before the first record can be read
      }
      if (isReadOnly(this.#root)) {
        return this.#openReadOnly(error);
      }
      throw error;
    }
  }

  /** What lies on a file system that cannot be written is not changed by others either, so it needs none of the files that writers share. */
  #openReadOnly(cause: unknown): DatabaseSync {
    try {
      return openImmutable(this.#file);
    } catch {
      throw cause;
    }
  }

  /** To SQLite a file that was cut to nothing is a new database; layers are there only once it has had its tables. */
  #checkNotEmptied(): void {
    const emptied = statSync(this.#file, { throwIfNoEntry: false })?.size === 0 && statSync(`${this.#file}-wal`, { throwIfNoEntry: false }) === undefined;
    if (emptied && readdirSync(path.join(this.#root, "layers")).length > 0) {
      throw this.#damaged("it is empty");
    }
  }

  #failure(error: unknown): unknown {
    const code = resultOf(error);
    if (code === RESULT.full || (code === RESULT.io && isFull(this.#root))) {
      return new StoreFailure("disk-full", "write to the store: no space left on its disk", { cause: error, hint: "free some space, or move the store with --root or LAMINATE_ROOT" });
    }
    if (code === RESULT.readOnly || code === RESULT.cannotOpen) {
      return new StoreFailure("read-only", `write to the store ${JSON.stringify(this.#root)}: ${reasonOf(error)}`, { cause: error, hint: "choose another place with --root or LAMINATE_ROOT" });
    }
    return code === RESULT.corrupt || code === RESULT.notADatabase ? this.#damaged(reasonOf(error), error) : error;
  }

  #damaged(what: string, cause?: unknown): StoreFailure {
    const hint = "move it away together with its -wal and -shm files: images must then be loaded, pulled or built again, their layers are still here";
    return new StoreFailure("damaged", `read the store's records ${JSON.stringify(this.#file)}: ${what}`, { ...(cause === undefined ? {} : { cause }), hint });
  }
}

/**
 * Opens a database that others may be writing, to read it and leave all as it is. Where a log lies beside it, somebody
 * writes or was killed: then its newest records are in the log, and SQLite reads both. Else the file says everything.
 */
function openToRead(file: string): DatabaseSync {
  if (statSync(`${file}-wal`, { throwIfNoEntry: false }) !== undefined) return new (sqlite().DatabaseSync)(file, { timeout: BUSY_TIMEOUT, readOnly: true });
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return openImmutable(file);
  const none = new (sqlite().DatabaseSync)(":memory:");
  none.exec(SCHEMA);
  return none;
}

function openImmutable(file: string): DatabaseSync {
  const address = pathToFileURL(file);
  address.searchParams.set("immutable", "1");
  return new (sqlite().DatabaseSync)(address, { readOnly: true });
}

function connect(file: string): DatabaseSync {
  const connection = new (sqlite().DatabaseSync)(file, { timeout: BUSY_TIMEOUT });
  try {
    connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
    if (connection.prepare("SELECT name FROM sqlite_schema WHERE name = 'leases'").get() === undefined) {
      connection.exec(SCHEMA);
    }
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function sqlite(): typeof import("node:sqlite") {
  return createRequire(import.meta.url)("node:sqlite") as typeof import("node:sqlite");
}

/** The primary result code of an error of SQLite's; undefined for other errors. */
function resultOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function isFull(root: string): boolean {
  const { bavail, bsize } = statfsSync(root);
  return bavail * bsize < 128 << 10;
}

/** The file system itself, not what this user may do. */
function isReadOnly(root: string): boolean {
  try {
    accessSync(root, constants.W_OK);
    return false;
  } catch (error) {
    return errnoOf(error) === "EROFS";
  }
}
