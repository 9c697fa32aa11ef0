import { createHash } from "node:crypto";

/** What is given to the hash at a time: many small updates cost more than the hashing. Characters. */
const ENOUGH = 1 << 16;

/** sha256 of what is said of each of `things`, one after the other, as UTF-8, in hex. */
export function hashTexts<T>(things: Iterable<T>, textOf: (thing: T) => string): string {
  const hash = createHash("sha256");
  let waiting = "";
  for (const thing of things) {
    waiting += textOf(thing);
    if (waiting.length >= ENOUGH) {
      hash.update(waiting);
      waiting = "";
    }
  }
  return hash.update(waiting).digest("hex");
}
