import { buffer } from "node:stream/consumers";
import { choosePlatform } from "../oci/choose-platform.ts";
import { CACHE_CONFIG, type BuildCache, parseCache, parseInlineCache } from "../oci/build-cache.ts";
import { digestOf, type DiffId } from "../oci/digest.ts";
import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import { parseIndex, parseManifest } from "../oci/image-json.ts";
import type { Platform } from "../oci/platform.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import { openBlob } from "../registry/blobs.ts";
import { getManifest } from "../registry/manifests.ts";
import { Session } from "../registry/session.ts";
import type { Store } from "../store/store.ts";
import { pullLayer } from "./pull-image.ts";
import { TransferFailure } from "./transfer-error.ts";

/** A build cache that lies elsewhere: its steps are known, its layers come when they are asked for. */
export interface CacheSource extends Disposable {
  /** For people. */
  readonly name: string;
  readonly cache: BuildCache;
  /** Brings a layer of it into the store. */
  fetch(layer: DiffId, signal: AbortSignal): Promise<void>;
}

const MOST_CONFIG = 32 << 20;

/** Opens the cache that a name in a registry stands for: one that `--cache-to` wrote, or an image with an inline cache. Throws RegistryFailure, TransferFailure or InvalidImage. */
export async function openRegistryCache(session: Session, store: Store, reference: Reference, { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal }): Promise<CacheSource> {
  const name = familiarReference(reference);
  const { repository } = reference;
  let raw = await getManifest(session, { repository, tagOrDigest: reference.digest ?? reference.tag!, signal });
  if (raw.mediaType === mediaTypes.index || raw.mediaType === mediaTypes.dockerManifestList) {
    const chosen = choosePlatform(parseIndex({ what: `index ${raw.digest}`, bytes: raw.bytes }).manifests, platform);
    if (chosen === undefined) throw noCache(name);
    raw = await getManifest(session, { repository, tagOrDigest: chosen.digest, signal });
  }
  const manifest = parseManifest({ what: `manifest ${raw.digest}`, bytes: raw.bytes });
  const given = { what: `config ${manifest.config.digest} of ${name}`, bytes: await readSmall(session, repository, manifest.config, signal) };
  const cache = manifest.config.mediaType === CACHE_CONFIG ? parseCache(given) : parseInlineCache(given);
  if (cache === undefined) throw noCache(name);
  if (cache.layers.length !== manifest.layers.length) throw new TransferFailure("bad-image", `read the cache ${name}: its manifest has ${manifest.layers.length} layers, its config ${cache.layers.length}`);
  const blobs = new Map(cache.layers.map((layer, place) => [layer, manifest.layers[place]!]));
  return {
    name,
    cache,
    fetch: (layer, stop) => pullLayer(session, store, reference, blobs.get(layer)!, layer, { signal: stop, onProgress: () => undefined }),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

async function readSmall(session: Session, repository: string, { digest, size }: Descriptor, signal: AbortSignal): Promise<Buffer> {
  if (size > MOST_CONFIG) throw new TransferFailure("bad-image", `read config ${digest}: it has ${size} bytes, more than ${MOST_CONFIG}`);
  const { bytes } = await openBlob(session, { repository, digest, size }, { signal });
  const config = await buffer(bytes);
  if (digestOf(config) !== digest) throw new TransferFailure("bad-image", `read config ${digest}: the registry sent other bytes`);
  return config;
}

function noCache(name: string): TransferFailure {
  return new TransferFailure("bad-image", `${name} has no build cache of ours`, { hint: "it is written by --cache-to; BuildKit's caches cannot be read, as its keys are not ours" });
}
