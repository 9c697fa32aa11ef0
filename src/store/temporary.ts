import { mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { storeWriteFailure } from "./write-file.ts";
import { StoreFailure } from "./store-error.ts";
import { holderName, isHolderAlive } from "./holder.ts";

/**
 * Scratch space of one process below the store, so that what is made there can be renamed into its place. The
 * directory's name says whose it is.
 */
export class Temporary {
  readonly #root: string;
  #own: string | undefined;
  #count = 0;

  readonly #readOnly: boolean;

  /** `root` is the store's tmp directory. With `readOnly` there is none to be had. */
  constructor(root: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#root = root;
    this.#readOnly = readOnly;
  }

  /** A path of its own for a file that is to be made. */
  file(): string {
    this.#own ??= this.#make();
    this.#count += 1;
    return path.join(this.#own, `${this.#count}`);
  }

  /** A new empty directory. */
  directory(): string {
    const made = this.file();
    mkdirSync(made);
    return made;
  }

  /** Removes what dead processes left. Gives the directories that hold files of other users, which take more rights than ours. */
  sweep(): string[] {
    return readdirSync(this.#root).flatMap((name) => (isHolderAlive(name) ? [] : removed(path.join(this.#root, name))));
  }

  /** Removes our own. */
  dispose(): void {
    if (this.#own !== undefined) {
      removed(this.#own);
      this.#own = undefined;
    }
  }

  #make(): string {
    if (this.#readOnly) throw new StoreFailure("read-only", "write to the store: it was opened to be read only");
    const own = path.join(this.#root, holderName());
    try {
      mkdirSync(own, { mode: 0o755 });
    } catch (error) {
      throw storeWriteFailure(error);
    }
    return own;
  }
}

function removed(directory: string): string[] {
  try {
    rmSync(directory, { recursive: true, force: true });
    return [];
  } catch {
    return [directory];
  }
}
