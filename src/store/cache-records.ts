import type { Json } from "../base/canonical-json.ts";
import { isCount, isNumber, isText, listOf, objectOf, optional, type Shape } from "../base/shape.ts";
import { type Digest, type DiffId, isDigest } from "../oci/digest.ts";
import type { RecordStore } from "./records.ts";

/** What a step of a build made. */
export interface StepResult {
  readonly layer: DiffId;
  /** RFC 3339. */
  readonly created: string;
  /** How long it took to make, milliseconds; not known of one that another machine made. */
  readonly took?: number;
  /** The instruction, for people. */
  readonly name?: string;
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
  /** In how many hours it was used, that of its making with them. */
  readonly uses: number;
  /** Milliseconds; undefined where nobody knows. */
  readonly took?: number;
  readonly name?: string;
}

/** A step that is like others but for the tree it stands on. */
export interface LikeStep {
  /** Its own key, under which its result is. */
  readonly key: string;
  /** The tree it stood on, lowest first. */
  readonly base: readonly DiffId[];
}

/** What is left of a record that was removed. */
interface Note {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly uses: number;
}

/** As it lies in the table: `uses` is written from the second on. */
type StoredStep = StepResult & { readonly uses?: number };

const isLayer = isDigest as Shape<DiffId>;
const isTime = (value: unknown): boolean => isText(value) && !Number.isNaN(Date.parse(value));
const isStep = objectOf<StoredStep>({ layer: isLayer, created: isTime, took: optional(isNumber), name: optional(isText), uses: optional(isCount) });
const isDownload = objectOf<{ readonly digest: Digest }>({ digest: isDigest });
const isLikeSteps = listOf(objectOf<LikeStep>({ key: isText, base: listOf(isLayer) }));
const isWholeNote = objectOf<Note>({ at: isNumber, uses: isCount });
/** A number alone is a note as it was kept once. */
const isNote: Shape<Note | number> = (value): value is Note | number => isNumber(value) || isWholeNote(value);

const TABLES = { step: "steps", download: "downloads" } as const;
const REMOVED = "removed-steps";
const LIKE = "like-steps";
const HOUR = 3_600_000;
/** Notes of removed records that are kept, the newest: they only help to say why a step ran. */
const NOTES = 1000;

/** The build cache: which step made which layer. A record that is removed leaves a note, so that a later miss can name its cause. */
export class CacheRecords {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  step(key: string): StepResult | undefined {
    return this.#records.get(TABLES.step, key, isStep);
  }

  /** Keeps what a step made; how often it was used before its record was removed still counts. */
  putStep(key: string, { layer, created, took, name }: StepResult): void {
    const note = this.#note(key);
    const uses = note === undefined ? 1 : note.uses + (Date.parse(created) - note.at > HOUR ? 1 : 0);
    this.#records.put(TABLES.step, key, { layer, created, ...(took === undefined ? {} : { took }), ...(name === undefined ? {} : { name }), ...(uses === 1 ? {} : { uses }) });
    this.#records.delete(REMOVED, key);
  }

  /** Notes that a step was found, for those who remove what is least likely to be wanted. */
  touchStep(key: string, now: number): void {
    try {
      this.#records.touch(TABLES.step, key, { now, age: HOUR, is: isStep, change: (step) => ({ ...step, uses: usesOf(step) + 1 }) });
    } catch {
      // A store that can only be read has its hits all the same.
    }
  }

  /** All records, the longest unused first. */
  list(): CacheRecord[] {
    const steps = this.#records.list(TABLES.step, isStep).map(({ key, value: stored, time }): CacheRecord => {
      const { layer, created, took, name } = stored;
      return { kind: "step", key, content: layer, created: Date.parse(created), used: time, uses: usesOf(stored), ...(took === undefined ? {} : { took }), ...(name === undefined ? {} : { name }) };
    });
    const downloads = this.#records.list(TABLES.download, isDownload).map(({ key, value: { digest }, time }): CacheRecord => {
      return { kind: "download", key, content: digest, created: time, used: time, uses: 1, name: `ADD ${key}` };
    });
    return [...steps, ...downloads].sort((a, b) => a.used - b.used);
  }

  /** Removes records, and such as were met and mean nothing. Belongs into a transaction. */
  remove(records: readonly Pick<CacheRecord, "kind" | "key" | "uses">[], now: number): void {
    for (const { kind, key, uses } of records) {
      this.#records.delete(TABLES[kind], key);
      if (kind === "step") this.#records.put(REMOVED, key, { at: now, uses });
    }
    this.#records.removeBroken();
    this.#records.keepNewest(REMOVED, NOTES);
    this.#forgetLike();
  }

  /** When a step's record was removed, milliseconds since the epoch; undefined where it never was, or was made again. */
  removedAt(key: string): number | undefined {
    return this.#note(key)?.at;
  }

  /** The steps that share a name for being like one another, those first that were put last. */
  likeSteps(name: string): readonly LikeStep[] {
    return this.#records.get(LIKE, name, isLikeSteps) ?? [];
  }

  putLikeSteps(name: string, steps: readonly LikeStep[]): void {
    this.#records.put(LIKE, name, steps as unknown as Json);
  }

  #note(key: string): Note | undefined {
    const note = this.#records.get(REMOVED, key, isNote);
    return typeof note === "number" ? { at: note, uses: 1 } : note;
  }

  /** Like steps are found by their records alone: without one there is nothing to find. */
  #forgetLike(): void {
    const there = new Set(this.#records.keys(TABLES.step));
    for (const { key, value: steps } of this.#records.list(LIKE, isLikeSteps)) {
      const kept = steps.filter((step) => there.has(step.key));
      if (kept.length === 0) this.#records.delete(LIKE, key);
      else if (kept.length < steps.length) this.putLikeSteps(key, kept);
    }
  }
}

function usesOf({ uses = 1 }: StoredStep): number {
  return uses;
}
