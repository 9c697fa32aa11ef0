import { createHash } from "node:crypto";

/** What is given on at a time: many small pieces cost more than what is done with them, and all in one is a text of its size. Characters. */
const ENOUGH = 1 << 16;

/** What is said of each of `things`, one after the other, in pieces. */
function* textsOf<T>(things: Iterable<T>, textOf: (thing: T) => string): Generator<string> {
  let waiting = "";
  for (const thing of things) {
    waiting += textOf(thing);
    if (waiting.length >= ENOUGH) {
      yield waiting;
      waiting = "";
    }
  }
  yield waiting;
}

/** sha256 of what is said of each of `things`, one after the other, as UTF-8, in hex. */
export function hashTexts<T>(things: Iterable<T>, textOf: (thing: T) => string): string {
  const hash = createHash("sha256");
  for (const text of textsOf(things, textOf)) hash.update(text);
  return hash.digest("hex");
}

/** The same as bytes, UTF-8. */
export function joinTexts<T>(things: Iterable<T>, textOf: (thing: T) => string): Buffer {
  return Buffer.concat(Array.from(textsOf(things, textOf), (text) => Buffer.from(text)));
}
