import { existsSync, mkdirSync, readFileSync, utimesSync } from "node:fs";
import path from "node:path";
import { hexOf, type Digest } from "../oci/digest.ts";
import { keepNewest } from "./keep-newest.ts";
import type { Temporary } from "./temporary.ts";
import { writeFileAtomically } from "./write-file.ts";

/** Selections kept: enough for the last builds of several projects. They only help to say what changed. */
const KEPT = 64;

/** The files behind a COPY's `files` digest, `selections/HEX`: with them a later miss can name what changed. */
export class Selections {
  readonly #directory: string;
  readonly #temporary: Temporary;

  constructor(root: string, temporary: Temporary) {
    this.#directory = path.join(root, "selections");
    this.#temporary = temporary;
  }

  /** The lines that were put under a digest, if they are still here. */
  get(digest: Digest): Buffer | undefined {
    try {
      return readFileSync(this.#file(digest));
    } catch {
      return undefined;
    }
  }

  /** Keeps lines, each with its end; what is here already is only made young again. */
  put(digest: Digest, lines: Buffer): void {
    if (existsSync(this.#file(digest))) return this.#renew(digest);
    mkdirSync(this.#directory, { recursive: true });
    keepNewest(this.#directory, KEPT - 1);
    writeFileAtomically(this.#file(digest), lines, this.#temporary.file());
  }

  /** What a COPY took in each of many builds is still what the next change is told from. */
  #renew(digest: Digest): void {
    const now = new Date();
    try {
      utimesSync(this.#file(digest), now, now);
    } catch {
      // Another build removed it: then a later miss says less.
    }
  }

  #file(digest: Digest): string {
    return path.join(this.#directory, hexOf(digest));
  }
}
