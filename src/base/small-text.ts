import { isUtf8 } from "node:buffer";

/** Bytes; larger files are not shown and not compared by line. */
export const MOST_TEXT = 64 << 10;

/** Bytes as text; undefined where they are none. */
export function textOf(bytes: Buffer): string | undefined {
  return bytes.includes(0) || !isUtf8(bytes) ? undefined : bytes.toString("utf8");
}
