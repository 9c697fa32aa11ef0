import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { digestFromHex, digestOf, hexOf, type Digest } from "../oci/digest.ts";
import { keepNewest } from "./keep-newest.ts";
import type { Temporary } from "./temporary.ts";
import { writeFileAtomically } from "./write-file.ts";

const KEPT = 256;
const HASH = 32;

/**
 * What a COPY chose of a directory of this machine, by a signature over what lstat says of all of it: as long as that
 * is the same, so is the digest of what was chosen. One file a COPY, the newest of them kept; a damaged one is none.
 */
export class KnownSelections {
  readonly #directory: string;
  readonly #temporary: Temporary;

  constructor(root: string, temporary: Temporary) {
    this.#directory = path.join(root, "known-selections");
    this.#temporary = temporary;
  }

  /** The digest of the selection `what` if its signature is what it was when that was put. */
  get(what: string, signature: Buffer): Digest | undefined {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#file(what));
    } catch {
      return undefined;
    }
    const [then, digest, check] = [0, 1, 2].map((part) => bytes.subarray(part * HASH, (part + 1) * HASH)) as [Buffer, Buffer, Buffer];
    return then.equals(signature) && check.equals(checkOf(then, digest)) ? digestFromHex(digest.toString("hex")) : undefined;
  }

  /** Keeps it in the place of what was known of `what`, if the disk takes it: it only spares work. */
  put(what: string, signature: Buffer, digest: Digest): void {
    const bytes = Buffer.from(hexOf(digest), "hex");
    try {
      const made = this.#temporary.file(); // none in a store that is only read, where no directory is made either
      mkdirSync(this.#directory, { recursive: true });
      if (!existsSync(this.#file(what))) keepNewest(this.#directory, KEPT - 1);
      writeFileAtomically(this.#file(what), Buffer.concat([signature, bytes, checkOf(signature, bytes)]), made);
    } catch {
      // The next build looks at every file by itself, as this one did.
    }
  }

  #file(what: string): string {
    return path.join(this.#directory, hexOf(digestOf(what)).slice(0, 32));
  }
}

function checkOf(signature: Buffer, digest: Buffer): Buffer {
  return createHash("sha256").update(signature).update(digest).digest();
}
