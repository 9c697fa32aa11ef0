import { createHash } from "node:crypto";
import { closeSync, existsSync, fstatSync, futimesSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "../base/failure.ts";
import { tryLock } from "../sys/files.ts";
import { storeWriteFailure } from "./write-file.ts";

/** A directory that steps of builds keep things in (`RUN --mount=type=cache`). */
export interface CacheMount {
  /** Its name in the store. */
  readonly name: string;
  /** The `id` that Dockerfiles call it by. */
  readonly id: string;
  /** All of it: the content below, its lock and its id. */
  readonly place: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly used: number;
}

export interface CacheMountAsk {
  readonly id: string;
  /** What it starts from: directories of one id that begin differently are different ones, as in BuildKit. */
  readonly origin: string;
  readonly sharing: "shared" | "locked" | "private";
}

/** A cache mount that a step has; the content is in `directory`, which its first user makes. */
export interface HeldCacheMount extends Disposable {
  readonly directory: string;
}

const FIRST_WAIT = 5;
const LONGEST_WAIT = 200;

/**
 * The cache mounts of a store, in `caches/NAME` with their content in `data`. Who uses one holds the flock(2) of its
 * `lock`: shared, or for himself alone; who removes one takes it for himself alone too.
 */
export class CacheMounts {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = path.join(root, "caches");
  }

  /** Takes one; `locked` waits for the others, `private` takes another one of the kind instead. */
  async take(ask: CacheMountAsk, signal: AbortSignal): Promise<HeldCacheMount> {
    const name = cacheMountName(ask);
    for (let turn = 0, wait = FIRST_WAIT; ; turn += 1) {
      const place = path.join(this.#directory, ask.sharing === "private" && turn > 0 ? `${name}-${turn}` : name);
      const held = this.#tryHold(place, ask.sharing === "shared" ? "shared" : "exclusive", ask.id);
      if (held !== undefined) return held;
      if (ask.sharing === "private") continue;
      await sleep(wait, undefined, { signal });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  /** One for oneself alone, with what is in it; undefined where there is none. */
  tryTake(ask: CacheMountAsk): HeldCacheMount | "in use" | undefined {
    const place = path.join(this.#directory, cacheMountName(ask));
    if (!existsSync(path.join(place, "data"))) return undefined;
    return this.#tryHold(place, "exclusive", ask.id) ?? "in use";
  }

  /** All of them, the longest unused first. */
  list(): CacheMount[] {
    const names = existsSync(this.#directory) ? readdirSync(this.#directory) : [];
    return names.flatMap((name) => this.#describe(name) ?? []).sort((a, b) => a.used - b.used);
  }

  /** Takes one that is to be removed; undefined while a step has it. */
  takeAway({ place, id }: CacheMount): Disposable | undefined {
    return this.#tryHold(place, "exclusive", id);
  }

  #describe(name: string): CacheMount | undefined {
    const place = path.join(this.#directory, name);
    try {
      const id = readFileSync(path.join(place, "id"), "utf8");
      return { name, id, place, created: statSync(path.join(place, "id")).mtimeMs, used: statSync(path.join(place, "lock")).mtimeMs };
    } catch {
      return undefined; // it is being removed
    }
  }

  #tryHold(place: string, kind: "exclusive" | "shared", id: string): HeldCacheMount | undefined {
    const lock = openLock(place, id);
    if (!tryLock(lock, kind) || !isStill(lock, path.join(place, "lock"))) {
      closeSync(lock);
      return undefined;
    }
    const now = Date.now() / 1000;
    futimesSync(lock, now, now);
    return { directory: path.join(place, "data"), [Symbol.dispose]: () => closeSync(lock) };
  }
}

/** The name of the cache mount that a step asks for: the same on every machine. */
export function cacheMountName({ id, origin }: Pick<CacheMountAsk, "id" | "origin">): string {
  return createHash("sha256").update(`${id}\0${origin}`).digest("hex").slice(0, 32);
}

function openLock(place: string, id: string): number {
  try {
    mkdirSync(place, { recursive: true });
    const file = path.join(place, "id");
    if (!existsSync(file)) writeFileSync(file, id);
    return openSync(path.join(place, "lock"), "a", 0o644);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return openLock(place, id); // somebody removes it at this moment
    throw storeWriteFailure(error);
  }
}

/** A lock whose file was removed before we had it guards nothing. */
function isStill(lock: number, file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(lock).ino;
}
