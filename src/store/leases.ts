import type { Digest } from "../oci/digest.ts";
import type { Database } from "./database.ts";
import { holderName, isHolderAlive } from "./holder.ts";
import { StoreFailure } from "./store-error.ts";

/**
 * Layers and blobs that a process makes or works with and that no image or record may name yet: nobody collects them
 * while it lives. A lease is a row of the database, and what is collected is taken away within a transaction, so that
 * whoever takes a lease first and looks afterwards finds a thing that stays, or finds it gone.
 */
export class Leases {
  readonly #database: Database;
  readonly #own = new Set<Digest>();
  #holder: string | undefined;
  #active = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Whether this process holds what it meets. A build that finds everything in the cache writes nothing, and so holds
   * nothing; from its first step that runs on it does.
   */
  get active(): boolean {
    return this.#active;
  }

  activate(): void {
    this.#active = true;
  }

  /** Keeps these from being collected until this process ends or releases them. They need not be here yet. */
  hold(...digests: readonly Digest[]): void {
    this.#active = true;
    const fresh = digests.filter((digest) => !this.#own.has(digest));
    if (fresh.length === 0) {
      return;
    }
    this.#holder ??= holderName();
    const holder = this.#holder;
    try {
      this.#database.transaction(() => fresh.forEach((digest) => this.#database.run("INSERT OR IGNORE INTO leases (digest, holder) VALUES (?, ?)", digest, holder)));
    } catch (error) {
      if (error instanceof StoreFailure && error.code === "read-only") {
        return; // nobody can take anything away from here
      }
      throw error;
    }
    fresh.forEach((digest) => this.#own.add(digest));
  }

  /** Gives up some of what this process holds: nothing of it is needed here any more. */
  letGo(...digests: readonly Digest[]): void {
    const held = digests.filter((digest) => this.#own.delete(digest));
    if (this.#holder === undefined || held.length === 0) return;
    const holder = this.#holder;
    this.#database.transaction(() => held.forEach((digest) => this.#database.run("DELETE FROM leases WHERE digest = ? AND holder = ?", digest, holder)));
  }

  /** Gives up all that this process holds. */
  release(): void {
    if (this.#holder === undefined || this.#own.size === 0) {
      return;
    }
    try {
      this.#database.run("DELETE FROM leases WHERE holder = ?", this.#holder);
      this.#own.clear();
    } catch {
      // They end with this process all the same.
    }
  }

  /** What living processes hold; the leases of dead ones are removed. Belongs into a transaction. */
  held(): ReadonlySet<string> {
    const rows = this.#database.all("SELECT digest, holder FROM leases") as { digest: string; holder: string }[];
    const alive = new Map([...new Set(rows.map(({ holder }) => holder))].map((holder) => [holder, isHolderAlive(holder)]));
    for (const [holder, lives] of alive) {
      if (!lives) this.#database.run("DELETE FROM leases WHERE holder = ?", holder);
    }
    return new Set(rows.filter(({ holder }) => alive.get(holder)).map(({ digest }) => digest));
  }
}
