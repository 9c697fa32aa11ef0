import { together } from "../base/together.ts";
import { choosePlatform, runsOn } from "../oci/choose-platform.ts";
import { isForeignLayer, mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import type { DiffId } from "../oci/digest.ts";
import { parseConfig, parseIndex, parseManifest } from "../oci/image-json.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { formatPlatform, parsePlatform, type Platform } from "../oci/platform.ts";
import { canonicalReference, familiarReference, repositoryDigest, type Reference } from "../oci/reference.ts";
import { getManifest, type RawManifest } from "../registry/manifests.ts";
import { RegistryFailure } from "../registry/registry-error.ts";
import type { Session } from "../registry/session.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import { fetchBlob, repositoryBlobs } from "./fetch-blob.ts";
import { fetchLayer } from "./fetch-layer.ts";
import { noteRepository } from "./known-repositories.ts";
import { TransferFailure } from "./transfer-error.ts";

export interface PullOptions {
  readonly platform: Platform;
  readonly signal: AbortSignal;
  /** A layer's blob and how many of its bytes are here; `done` when the layer is in the store. */
  readonly onProgress: (blob: Descriptor, current: number, done: boolean) => void;
  /** Told when the name has one image only, and that one is for another platform. */
  readonly onOtherPlatform?: (own: string) => void;
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
/** An index may list indexes; nobody makes more than two of them stand on each other. */
const DEEPEST = 4;
/** So many of an index's entries without a platform are looked into: each is a request. */
const MOST_UNNAMED = 8;
const LAYERS: readonly string[] = [mediaTypes.layer, mediaTypes.layerGzip, mediaTypes.layerZstd, mediaTypes.dockerLayer, mediaTypes.dockerLayerGzip, mediaTypes.dockerLayerZstd];

/** An image as its registry has it: what its name stands for, and the image for a platform, whose config is in the store. */
export interface FoundImage {
  readonly root: RawManifest;
  readonly raw: RawManifest;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/** Finds an image, and brings its config into the store and nothing else. */
export async function findImage(session: Session, store: Store, reference: Reference, options: PullOptions): Promise<FoundImage> {
  const { signal } = options;
  const { repository } = reference;
  const root = await getManifest(session, { repository, tagOrDigest: reference.digest ?? reference.tag!, signal });
  const raw = await platformManifest(session, reference, root, options);
  const manifest = parseManifest({ what: `manifest ${raw.digest}`, bytes: raw.bytes });
  checkLayers(manifest, reference);
  await fetchBlob(repositoryBlobs(session, repository), store, manifest.config, { signal });
  const config = parseConfig({ what: `config ${manifest.config.digest}`, bytes: await store.content.readAll(manifest.config.digest) });
  const own = parsePlatform([config.os, config.architecture, config.variant].filter(Boolean).join("/"));
  if (own !== undefined && !runsOn(own, options.platform)) options.onOtherPlatform?.(formatPlatform(own));
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw new TransferFailure("bad-image", `pull ${familiarReference(reference)}: its manifest has ${manifest.layers.length} layers, its config ${config.rootfs.diff_ids.length}`);
  }
  return { root, raw, manifest, config };
}

/** Brings the layers of an image that was found into the store, each verified by digest, size and diffID, and gives it its name. */
export async function pullFound(session: Session, store: Store, reference: Reference, { root, raw, manifest, config }: FoundImage, options: PullOptions): Promise<PulledImage> {
  const { signal } = options;
  await together(manifest.layers, { atOnce: AT_ONCE, signal }, (layer, stop, place) => pullLayer(session, store, reference, layer, config.rootfs.diff_ids[place]!, { ...options, signal: stop }));
  const { digest, size } = await store.content.put(raw.bytes);
  const name = canonicalReference(reference);
  const before = store.images.get(name);
  const image = await store.images.put({ mediaType: raw.mediaType, digest, size }, [name, repositoryDigest(reference, root.digest)]);
  return { image, digest: root.digest, fresh: before?.id !== image.id };
}

/** Brings an image into the store under its name. The name is given last, so an image is there whole or not at all. */
export async function pullImage(session: Session, store: Store, reference: Reference, options: PullOptions): Promise<PulledImage> {
  return await pullFound(session, store, reference, await findImage(session, store, reference, options), options);
}

/** The manifest for a platform: what the name stands for, or what its index lists. */
async function platformManifest(session: Session, reference: Reference, root: RawManifest, options: PullOptions): Promise<RawManifest> {
  const there: string[] = [];
  const found = INDEXES.includes(root.mediaType) ? await searchIndex(session, reference, root, { ...options, there, depth: 1 }) : root;
  if (found !== undefined) return found;
  const names = [...new Set(there)];
  throw new TransferFailure("no-platform", `pull ${familiarReference(reference)}: no matching manifest for ${formatPlatform(options.platform)} in the manifest list entries`, {
    hint: names.length === 0 ? "it names no platforms" : `it is there for ${names.join(", ")}: choose one with --platform`,
  });
}

/** What an index, or an index that it lists, has for a platform; names in `there` what it has besides. */
async function searchIndex(session: Session, reference: Reference, index: RawManifest, search: PullOptions & { readonly there: string[]; readonly depth: number }): Promise<RawManifest | undefined> {
  const { platform, signal, there, depth } = search;
  if (depth > DEEPEST) throw new TransferFailure("bad-image", `pull ${familiarReference(reference)}: its image indexes list one another more than ${DEEPEST} deep`);
  const { manifests } = parseIndex({ what: `index ${index.digest}`, bytes: index.bytes });
  there.push(...manifests.flatMap((one) => (one.platform === undefined || one.platform.os === "unknown" ? [] : [formatPlatform(one.platform)])));
  const chosen = choosePlatform(manifests, platform);
  // An entry without a platform can be an index of its own; a manifest without one counts where it is alone.
  const unnamed = manifests.filter((one) => one.platform === undefined && (INDEXES.includes(one.mediaType) || manifests.length === 1));
  for (const { digest } of chosen === undefined ? unnamed.slice(0, MOST_UNNAMED) : [chosen]) {
    const raw = await getManifest(session, { repository: reference.repository, tagOrDigest: digest, signal });
    const found = INDEXES.includes(raw.mediaType) ? await searchIndex(session, reference, raw, { ...search, depth: depth + 1 }) : raw;
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkLayers({ layers }: Manifest, reference: Reference): void {
  const strange = layers.find((layer) => !LAYERS.includes(layer.mediaType) && !isForeignLayer(layer));
  if (strange !== undefined) {
    throw new TransferFailure("unsupported", `pull ${familiarReference(reference)}: it is no container image that we know: it has a layer of the type ${JSON.stringify(strange.mediaType)}`);
  }
}

/** Brings one layer of a repository into the store, unless it is there. */
async function pullLayer(session: Session, store: Store, { registry, repository }: Reference, layer: Descriptor, diffId: DiffId, { signal, onProgress }: Pick<PullOptions, "signal" | "onProgress">): Promise<void> {
  try {
    await fetchLayer(repositoryBlobs(session, repository), store, { layer, diffId }, { signal, onProgress: (current) => onProgress(layer, current, false) });
  } catch (error) {
    throw isForeignLayer(layer) && error instanceof RegistryFailure && error.code === "not-found" ? foreign(layer, error) : error;
  }
  noteRepository(store.records, registry, repository, layer.digest);
  onProgress(layer, layer.size, true);
}

function foreign(layer: Descriptor, cause: RegistryFailure): TransferFailure {
  const urls = (layer.urls ?? []).slice(0, 3).join(", ");
  return new TransferFailure("unsupported", `pull layer ${layer.digest}: it is a foreign layer, which this registry does not have${urls === "" ? "" : `; it is said to be at ${urls}`}`, {
    cause,
    hint: "Laminate fetches layers from their registry only",
  });
}
