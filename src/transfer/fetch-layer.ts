import { decompressStream } from "../archive/decompress.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { DiffId } from "../oci/digest.ts";
import type { GrowingFile } from "../store/content/growth.ts";
import type { Store } from "../store/store.ts";
import { fetchBlob, type BlobSource } from "./fetch-blob.ts";

/** A blob from this size on is worth a thread that reads it while it comes. Bytes. */
const FOLLOW_FROM = 4 << 20;

/** A layer by its blob and by its content. */
export interface WantedLayer {
  readonly layer: Descriptor;
  readonly diffId: DiffId;
}

/** Who is told how the download of a layer goes on. */
export interface FetchLayerOptions {
  readonly signal: AbortSignal;
  /** Bytes of the blob that are here. */
  readonly onProgress?: (current: number) => void;
}

/** Brings a layer into the store, unless it is there: its blob is verified by digest and size, its tar by the diffID. */
export async function fetchLayer(source: BlobSource, store: Store, { layer, diffId }: WantedLayer, options: FetchLayerOptions): Promise<void> {
  options.signal.throwIfAborted();
  store.leases.hold(diffId, layer.digest);
  if (!store.layers.has(diffId)) await download(source, store, { layer, diffId }, options);
  if (store.content.has(layer.digest)) await store.layers.addBlob(diffId, layer);
}

/** Downloads a layer's blob; a large one is unpacked to its tar meanwhile, byte by byte as it comes. */
async function download(source: BlobSource, store: Store, { layer, diffId }: WantedLayer, { signal, onProgress }: FetchLayerOptions): Promise<void> {
  const failed = new AbortController();
  let taken: Promise<DiffId> | undefined;
  let growing: GrowingFile | undefined;
  const onPartial = (partial: GrowingFile): void => {
    if (partial.size < FOLLOW_FROM) return;
    growing = partial;
    taken = store.layers.putBlob(partial, diffId, AbortSignal.any([signal, failed.signal]));
    taken.catch(() => undefined); // seen below, once the blob itself is found sound
  };
  try {
    await fetchBlob(source, store, layer, { signal, onPartial, ...(onProgress === undefined ? {} : { onProgress }) });
  } catch (error) {
    failed.abort(error);
    await taken?.catch(() => undefined);
    throw error;
  }
  if (taken === undefined || growing?.growth.abandoned === true) {
    await taken?.catch(() => undefined);
    taken = store.layers.putTar(decompressStream(store.content.read(layer.digest)) as AsyncIterable<Buffer>, diffId);
  }
  await taken;
}
