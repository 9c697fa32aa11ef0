import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { errnoOf } from "../base/failure.ts";
import { waitForLock } from "../sys/files.ts";
import { storeWriteFailure } from "./write-file.ts";

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
    const kind = key.split(":", 1)[0]!.replaceAll(/[^a-z0-9]/g, "");
    const slot = createHash("sha256").update(key).digest("hex").slice(0, 3);
    const file = this.#open(`${kind}-${slot}`);
    try {
      await waitForLock(file);
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

  #open(name: string): number {
    try {
      if (!existsSync(this.#directory)) makeDirectory(this.#directory);
      return openSync(path.join(this.#directory, name), "a", 0o644);
    } catch (error) {
      throw storeWriteFailure(error);
    }
  }
}

/** Not `recursive`, with which Node says ENOENT where a file system is read-only. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}
