import { Semaphore } from "../base/semaphore.ts";
import { asOciLayer, mediaTypes, type Compression, type Descriptor } from "../oci/descriptor.ts";
import { digestOf, type DiffId } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { SinkFor } from "../store/layers/blob-sink.ts";
import type { Store } from "../store/store.ts";

/** Each is compressed on all cores; a second one keeps them busy while the first one is written. */
const LAYERS_AT_ONCE = 2;

/** A blob that leaves with an image. */
export interface OutgoingBlob {
  readonly descriptor: Descriptor;
  open(): AsyncIterable<Buffer>;
}

/** An image as it leaves: a manifest and all that it points to. */
export interface OutgoingImage {
  readonly record: ImageRecord;
  readonly manifest: OutgoingBlob;
  readonly config: OutgoingBlob;
  /** Lowest first. */
  readonly layers: readonly OutgoingBlob[];
}

/**
 * An image with layers that can leave. A manifest that came from elsewhere stays as it is, digest and all, while its
 * blobs are here; layers made here go out compressed as asked, and the manifest says so. `sinkFor` may have what is
 * compressed now while it is made.
 */
export async function outgoingImage(store: Store, record: ImageRecord, compression: Compression, sinkFor?: SinkFor): Promise<OutgoingImage> {
  const config = await store.images.config(record);
  const manifest = await store.images.manifest(record);
  const diffIds = config.rootfs.diff_ids;
  store.leases.hold(record.manifest.digest, record.id, ...diffIds, ...manifest.layers.map(({ digest }) => digest));
  const turns = new Semaphore(LAYERS_AT_ONCE);
  const layers = await Promise.all(manifest.layers.map((layer, index) => turns.run(() => outgoingLayer(store, layer, diffIds[index]!, { compression, sinkFor }))));
  const unchanged = layers.every((layer, index) => layer.descriptor.digest === manifest.layers[index]!.digest);
  const leaving = unchanged ? storedBlob(store, record.manifest) : newManifest(manifest, layers);
  return { record, manifest: leaving, config: storedBlob(store, manifest.config), layers };
}

async function outgoingLayer(store: Store, layer: Descriptor, diffId: DiffId, { compression, sinkFor }: { readonly compression: Compression; readonly sinkFor: SinkFor | undefined }): Promise<OutgoingBlob> {
  if (store.content.has(layer.digest)) return storedBlob(store, layer);
  if (compression === "none") return await plainLayer(store, diffId, layer.digest === diffId ? layer : undefined);
  return storedBlob(store, await store.layers.blob(diffId, compression, sinkFor));
}

/** A layer's own tar, which is a blob as good as any. */
async function plainLayer(store: Store, diffId: DiffId, known?: Descriptor): Promise<OutgoingBlob> {
  const descriptor = known ?? { mediaType: mediaTypes.layer, digest: diffId, size: await store.layers.tarSize(diffId) };
  return {
    descriptor,
    async *open() {
      yield* (await store.layers.tar(diffId)).read();
    },
  };
}

/** A blob of the content store. */
export function storedBlob(store: Store, descriptor: Descriptor): OutgoingBlob {
  return { descriptor, open: () => store.content.read(descriptor.digest) };
}

function newManifest(manifest: Manifest, layers: readonly OutgoingBlob[]): OutgoingBlob {
  const { annotations } = manifest;
  const leaving: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { ...manifest.config, mediaType: mediaTypes.config },
    layers: layers.map((layer) => asOciLayer(layer.descriptor)),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return memoryBlob(mediaTypes.manifest, Buffer.from(JSON.stringify(leaving)));
}

/** A blob of bytes at hand. */
export function memoryBlob(mediaType: string, bytes: Buffer): OutgoingBlob {
  return {
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    async *open() {
      yield bytes;
    },
  };
}
