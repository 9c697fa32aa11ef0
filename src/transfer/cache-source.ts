import { buffer } from "node:stream/consumers";
import { CACHE_CONFIG, type BuildCache, isBuildkitConfig, parseCache, parseInlineCache } from "../oci/build-cache.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { digestOf, type DiffId } from "../oci/digest.ts";
import type { Untrusted } from "../oci/image-json.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { Store } from "../store/store.ts";
import type { BlobSource } from "./fetch-blob.ts";
import { fetchLayer } from "./fetch-layer.ts";
import { TransferFailure } from "./transfer-error.ts";

/** A build cache that lies elsewhere: its steps are known, its layers come when they are asked for. */
export interface CacheSource extends Disposable {
  /** For people. */
  readonly name: string;
  readonly cache: BuildCache;
  /** The blob that a layer of it is there. */
  blob(layer: DiffId): Descriptor;
  /** Brings a layer of it into the store, with that blob. */
  fetch(layer: DiffId, signal: AbortSignal): Promise<void>;
}

/** A cache's list, with the blobs that its layers are. */
interface ListedCache {
  readonly cache: BuildCache;
  readonly blobs: ReadonlyMap<DiffId, Descriptor>;
}

const MOST_CONFIG = 32 << 20;

/** Reads what a cache's manifest and config say: one that `--cache-to` wrote, or an image with an inline cache. Throws TransferFailure or InvalidImage. */
function listedCache(name: string, manifest: Manifest, config: Untrusted): ListedCache {
  const { mediaType } = manifest.config;
  if (isBuildkitConfig(mediaType)) throw buildkitCache();
  const cache = mediaType === CACHE_CONFIG ? parseCache(config) : parseInlineCache(config);
  if (cache === "buildkit") throw buildkitCache();
  if (cache === undefined) throw noCache(name);
  if (cache.layers.length !== manifest.layers.length) throw new TransferFailure("bad-image", `read the cache ${name}: its manifest has ${manifest.layers.length} layers, its config ${cache.layers.length}`);
  return { cache, blobs: new Map(cache.layers.map((layer, place) => [layer, manifest.layers[place]!])) };
}

/** Where the blobs of a cache are, and where its layers go; `close` lets go of the former. */
export interface CachePlace {
  readonly blobs: BlobSource;
  readonly store: Store;
  readonly close: () => void;
}

/** A cache whose blobs can be had from somewhere. Throws RegistryFailure, TransferFailure or InvalidImage. */
export async function openCache(name: string, manifest: Manifest, { signal, ...place }: CachePlace & { readonly signal: AbortSignal }): Promise<CacheSource> {
  return cacheSource(name, manifest, { what: `config ${manifest.config.digest} of ${name}`, bytes: await readConfig(place.blobs, manifest.config, signal) }, place);
}

/** As {@link openCache}, where the config was read already. */
export function cacheSource(name: string, manifest: Manifest, config: Untrusted, { blobs, store, close }: CachePlace): CacheSource {
  const listed = listedCache(name, manifest, config);
  return {
    name,
    cache: listed.cache,
    blob: (layer) => listed.blobs.get(layer)!,
    fetch: (layer, stop) => fetchLayer(blobs, store, { layer: listed.blobs.get(layer)!, diffId: layer }, { signal: stop }),
    [Symbol.dispose]: close,
  };
}

async function readConfig(blobs: BlobSource, config: Descriptor, signal: AbortSignal): Promise<Buffer> {
  if (isBuildkitConfig(config.mediaType)) return Buffer.alloc(0); // its type says enough
  const { digest, size } = config;
  if (size > MOST_CONFIG) throw new TransferFailure("bad-image", `read config ${digest}: it has ${size} bytes, more than ${MOST_CONFIG}`);
  const { bytes } = await blobs.open(config, { signal });
  const read = await buffer(bytes);
  if (digestOf(read) !== digest) throw new TransferFailure("bad-image", `read config ${digest}: other bytes were sent`);
  return read;
}

/** There is nothing of a cache. */
export function noCache(name: string): TransferFailure {
  return new TransferFailure("bad-image", `${name} has no build cache of ours`, { hint: "it is written by --cache-to" });
}

/** A cache of BuildKit's: docs/cache.md says why its keys are of no use. */
export function buildkitCache(): TransferFailure {
  return new TransferFailure("unsupported", "this cache was written by BuildKit; its keys cannot be mapped to Laminate's, so no step can be found in it", { hint: "write one with laminate build --cache-to; docs/cache.md says why" });
}
