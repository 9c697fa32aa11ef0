import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { Digest } from "../oci/digest.ts";
import type { Store } from "../store/store.ts";

/** The bytes of a stored blob from `start` up to, not including, `end`, for an upload. */
export function openStored({ content }: Pick<Store, "content">, digest: Digest, start: number, end: number): Readable {
  return end <= start ? Readable.from([]) : createReadStream(content.path(digest), { start, end: end - 1, highWaterMark: 1 << 20 });
}
