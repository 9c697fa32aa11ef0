import type { Json } from "../base/canonical-json.ts";
import { isText, type Shape } from "../base/shape.ts";
import type { RecordStore } from "./records.ts";

/** What the store must know of a build's record to keep it in order. */
export interface KeptBuild {
  /** Sorts as builds came. */
  readonly id: string;
  readonly slot: string;
}

const BUILDS = "build-records";
const LATEST = "latest-builds";
/** Builds kept; of each slot the latest is kept beyond that, until there are as many slots. */
const KEPT = 100;

/** The records of builds: what later misses are compared with, and what `laminate builds` lists. */
export class BuildRecords<T extends KeptBuild> {
  readonly #records: RecordStore;
  readonly #is: Shape<T>;

  constructor(records: RecordStore, is: Shape<T>) {
    this.#records = records;
    this.#is = is;
  }

  /** The latest build of a slot. */
  latest(slot: string): T | undefined {
    const id = this.#records.get(LATEST, slot, isText);
    return id === undefined ? undefined : this.get(id);
  }

  get(id: string): T | undefined {
    return this.#records.get(BUILDS, id, this.#is);
  }

  /** All that are kept, the newest first. */
  list(): T[] {
    return this.#records.list(BUILDS, this.#is).map(({ value }) => value).reverse();
  }

  /** Keeps a build; as a slot's latest unless it came to nothing. */
  put(build: T, latest: boolean): void {
    this.#records.put(BUILDS, build.id, build as unknown as Json);
    if (latest) this.#records.put(LATEST, build.slot, build.id);
    this.#forgetOld();
  }

  remove(id: string): void {
    this.#records.delete(BUILDS, id);
  }

  #forgetOld(): void {
    const ids = this.#records.keys(BUILDS);
    const old = ids.slice(0, Math.max(0, ids.length - KEPT));
    if (old.length === 0) return;
    const latest = new Set(this.#records.list(LATEST, isText).toSorted((a, b) => b.time - a.time).slice(0, KEPT).map(({ value }) => value));
    for (const id of old) if (!latest.has(id)) this.remove(id);
    for (const { key, value } of this.#records.list(LATEST, isText)) if (this.get(value) === undefined) this.#records.delete(LATEST, key);
  }
}
