import { stripVTControlCharacters } from "node:util";

/**
 * Text from outside made safe for a terminal: escape sequences are taken out whole, other control characters shown as
 * U+FFFD; newlines and tabs stay. A step, a registry or a file name could otherwise move the cursor, retitle the
 * window or answer to the terminal's queries.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}
