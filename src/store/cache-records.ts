import type { Digest, DiffId } from "../oci/digest.ts";
import type { RecordStore } from "./records.ts";

/** What a step of a build made. */
export interface StepResult {
  readonly layer: DiffId;
  /** RFC 3339. */
  readonly created: string;
}

/** A record of the build cache: a step's layer, or a file that an ADD downloaded. */
export interface CacheRecord {
  readonly kind: "step" | "download";
  /** The step's cache key, or the URL. */
  readonly key: string;
  readonly content: Digest;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** When it was last used, to the hour: a use within the hour writes nothing. */
  readonly used: number;
}

const TABLES = { step: "steps", download: "downloads" } as const;
const REMOVED = "removed-steps";
const HOUR = 3_600_000;

/** The build cache: which step made which layer. A record that is removed leaves a note, so that a later miss can name its cause. */
export class CacheRecords {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  step(key: string): StepResult | undefined {
    return this.#records.get(TABLES.step, key) as unknown as StepResult | undefined;
  }

  putStep(key: string, { layer, created }: StepResult): void {
    this.#records.put(TABLES.step, key, { layer, created });
    this.#records.delete(REMOVED, key);
  }

  /** Notes that a step was found, for those who remove what was long unused. */
  touchStep(key: string, now: number): void {
    try {
      this.#records.touch(TABLES.step, key, now, HOUR);
    } catch {
      // A store that can only be read has its hits all the same.
    }
  }

  /** All records, the longest unused first. */
  list(): CacheRecord[] {
    const steps = this.#records.list(TABLES.step).map(({ key, value, time }): CacheRecord => {
      const { layer, created } = value as unknown as StepResult;
      return { kind: "step", key, content: layer, created: Date.parse(created), used: time };
    });
    const downloads = this.#records.list(TABLES.download).map(({ key, value, time }): CacheRecord => {
      return { kind: "download", key, content: (value as unknown as { digest: Digest }).digest, created: time, used: time };
    });
    return [...steps, ...downloads].sort((a, b) => a.used - b.used);
  }

  remove({ kind, key }: Pick<CacheRecord, "kind" | "key">, now: number): void {
    this.#records.delete(TABLES[kind], key);
    if (kind === "step") this.#records.put(REMOVED, key, now);
  }

  /** When a step's record was removed, milliseconds since the epoch; undefined where it never was, or was made again. */
  removedAt(key: string): number | undefined {
    return this.#records.get(REMOVED, key) as number | undefined;
  }
}
