import type { Readable } from "node:stream";
import { together } from "../base/together.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Store } from "../store/store.ts";
import { openStored } from "./open-stored.ts";
import type { PushOptions, PushSource } from "./push-image.ts";

/** Blobs that are to be sent; any stretch of one can be read again. */
export interface SentBlob {
  readonly blob: Descriptor;
  /** The bytes from `start` up to, not including, `end`. */
  open(start: number, end: number): Readable;
  readonly onProgress: (sent: number) => void;
}

/** A place for caches that is no registry. Throws RegistryFailure. */
export interface CacheDrop extends Disposable {
  /** Blobs at a time. */
  readonly atOnce: number;
  /** Whether the blob is there, and will stay. */
  has(blob: Descriptor, signal: AbortSignal): Promise<boolean>;
  send(sent: SentBlob, signal: AbortSignal): Promise<void>;
  /** Makes this manifest what the cache's name stands for. */
  putManifest(manifest: Buffer, signal: AbortSignal): Promise<void>;
}

/** Brings a cache to its place: first every blob that is not there, then the manifest, so that nobody finds half of it. */
export async function sendCache(drop: CacheDrop, store: Store, { manifest, config, layers, fetch }: PushSource, { signal, onProgress }: Omit<PushOptions, "sent">): Promise<void> {
  const distinct = [...new Map([...layers, config].map((blob) => [blob.digest, blob])).values()];
  await together(distinct, { atOnce: drop.atOnce, signal }, async (blob, stop) => {
    const there = await drop.has(blob, stop);
    if (!there) await fetch?.(blob);
    if (!there) await drop.send({ blob, open: (start, end) => openStored(store, blob.digest, start, end), onProgress: (sent) => onProgress(blob, sent, undefined) }, stop);
    onProgress(blob, blob.size, there ? "exists" : "pushed");
  });
  await drop.putManifest(manifest.bytes, signal);
}
