import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "../sys/files.ts";

const FIRST_WAIT = 5;
const LONGEST_WAIT = 200;

/**
 * One holder at a time for a key, in this process and all others, by flock(2): the kernel frees what a dead process
 * held. Keys share a fixed number of files, so none has to be removed while someone may be waiting for it; whoever
 * holds a claim may wait for one of another kind (the word before the key's colon) only.
 */
export class Claims {
  readonly #directory: string;

  constructor(root: string) {
    this.#directory = path.join(root, "claims");
  }

  async claim(key: string): Promise<AsyncDisposable> {
    mkdirSync(this.#directory, { recursive: true });
    const kind = key.split(":", 1)[0]!.replaceAll(/[^a-z0-9]/g, "");
    const slot = createHash("sha256").update(key).digest("hex").slice(0, 3);
    const file = openSync(path.join(this.#directory, `${kind}-${slot}`), "a", 0o644);
    try {
      for (let wait = FIRST_WAIT; !tryLock(file); wait = Math.min(wait * 2, LONGEST_WAIT)) {
        await sleep(wait);
      }
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return {
      async [Symbol.asyncDispose]() {
        closeSync(file);
      },
    };
  }
}
