import { decompressStream } from "../archive/decompress.ts";
import { Semaphore } from "../base/semaphore.ts";
import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import type { DiffId } from "../oci/digest.ts";
import { parseConfig, parseIndex, parseManifest } from "../oci/image-json.ts";
import type { Manifest } from "../oci/manifest.ts";
import { formatPlatform, parsePlatform, type Platform } from "../oci/platform.ts";
import { canonicalReference, familiarReference, type Reference } from "../oci/reference.ts";
import { getManifest, type RawManifest } from "../registry/manifests.ts";
import type { Session } from "../registry/session.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { noteRepository } from "./known-repositories.ts";
import { TransferFailure } from "./transfer-error.ts";

export interface PullOptions {
  readonly platform: Platform;
  readonly signal: AbortSignal;
  /** A layer's blob and how many of its bytes are here; `done` when the layer is in the store. */
  readonly onProgress: (blob: Descriptor, current: number, done: boolean) => void;
}

export interface PulledImage {
  readonly image: ImageRecord;
  /** Of what the reference named: the index, where there is one. */
  readonly digest: Descriptor["digest"];
  /** False when the name stood for this very image before. */
  readonly fresh: boolean;
}

/** Layers at a time, as docker pulls them. */
const AT_ONCE = 3;
const INDEXES: readonly string[] = [mediaTypes.index, mediaTypes.dockerManifestList];
const LAYERS: readonly string[] = [mediaTypes.layer, mediaTypes.layerGzip, mediaTypes.layerZstd, mediaTypes.dockerLayer, mediaTypes.dockerLayerGzip];

/**
 * Brings an image into the store under its name: manifest, config, and each layer that is not here already, verified by
 * digest, size and diffID. The name is given last, so an image is there whole or not at all.
 */
export async function pullImage(session: Session, store: Store, reference: Reference, options: PullOptions): Promise<PulledImage> {
  const { signal } = options;
  const { repository } = reference;
  const root = await getManifest(session, { repository, tagOrDigest: reference.digest ?? reference.tag!, signal });
  const raw = await platformManifest(session, reference, root, options);
  const manifest = parseManifest({ what: `manifest ${raw.digest}`, bytes: raw.bytes });
  checkLayers(manifest, reference);
  await fetchBlob(session, store, manifest.config, { repository, signal });
  const config = parseConfig({ what: `config ${manifest.config.digest}`, bytes: await store.content.readAll(manifest.config.digest) });
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new TransferFailure("bad-image", `pull ${familiarReference(reference)}: its manifest has ${manifest.layers.length} layers, its config ${diffIds.length}`);
  }
  const turns = new Semaphore(AT_ONCE);
  const stop = new AbortController();
  const layerOptions = { ...options, signal: AbortSignal.any([signal, stop.signal]) };
  const layers = manifest.layers.map((layer, place) =>
    turns.run(async () => {
      try {
        await pullLayer(session, store, reference, layer, diffIds[place]!, layerOptions);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  const failed = (await Promise.allSettled(layers)).some(({ status }) => status === "rejected");
  signal.throwIfAborted();
  if (failed) {
    throw stop.signal.reason;
  }
  const { digest, size } = await store.content.put(raw.bytes);
  const name = canonicalReference(reference);
  const before = store.images.get(name);
  const image = await store.images.put({ mediaType: raw.mediaType, digest, size }, [name]);
  return { image, digest: root.digest, fresh: before?.id !== image.id };
}

async function platformManifest(session: Session, reference: Reference, root: RawManifest, { platform, signal }: PullOptions): Promise<RawManifest> {
  if (!INDEXES.includes(root.mediaType)) {
    return root;
  }
  const { manifests } = parseIndex({ what: `index ${root.digest}`, bytes: root.bytes });
  const chosen = choosePlatform(manifests, platform);
  if (chosen === undefined) {
    const there = manifests.flatMap((one) => (one.platform === undefined || one.platform.os === "unknown" ? [] : [formatPlatform(one.platform)]));
    throw new TransferFailure("no-platform", `pull ${familiarReference(reference)}: no matching manifest for ${formatPlatform(platform)} in the manifest list entries`, {
      hint: there.length === 0 ? "it names no platforms" : `it is there for ${there.join(", ")}`,
    });
  }
  return getManifest(session, { repository: reference.repository, tagOrDigest: chosen.digest, signal });
}

/** The entry for a platform; of several variants the one asked for, else the first (image-spec, image-index.md). */
function choosePlatform(manifests: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  const fitting = manifests.flatMap((one) => {
    const own = one.platform === undefined ? undefined : parsePlatform(formatPlatform(one.platform));
    return own?.os === platform.os && own.architecture === platform.architecture ? [{ one, own }] : [];
  });
  return (fitting.find(({ own }) => own.variant === platform.variant) ?? (platform.variant === undefined ? fitting[0] : undefined))?.one;
}

function checkLayers({ layers }: Manifest, reference: Reference): void {
  const strange = layers.find(({ mediaType }) => !LAYERS.includes(mediaType));
  if (strange !== undefined) {
    throw new TransferFailure("unsupported", `pull ${familiarReference(reference)}: it is no container image that we know: it has a layer of the type ${JSON.stringify(strange.mediaType)}`);
  }
}

async function pullLayer(session: Session, store: Store, { registry, repository }: Reference, layer: Descriptor, diffId: DiffId, { signal, onProgress }: PullOptions): Promise<void> {
  signal.throwIfAborted();
  if (!store.layers.has(diffId)) {
    await fetchBlob(session, store, layer, { repository, signal, onProgress: (current) => onProgress(layer, current, false) });
    await store.layers.putTar(decompressStream(store.content.read(layer.digest)) as AsyncIterable<Buffer>, diffId);
  }
  if (store.content.has(layer.digest)) {
    await store.layers.addBlob(diffId, layer);
  }
  noteRepository(store.records, registry, repository, layer.digest);
  onProgress(layer, layer.size, true);
}
