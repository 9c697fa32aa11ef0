import { choosePlatform } from "../oci/choose-platform.ts";
import { isBuildkitConfig } from "../oci/build-cache.ts";
import { mediaTypes } from "../oci/descriptor.ts";
import { parseIndex, parseManifest } from "../oci/image-json.ts";
import type { Platform } from "../oci/platform.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import { getManifest } from "../registry/manifests.ts";
import type { Session } from "../registry/session.ts";
import type { Store } from "../store/store.ts";
import { buildkitCache, noCache, openCache, type CacheSource } from "./cache-source.ts";
import { repositoryBlobs } from "./fetch-blob.ts";

/** Opens the cache that a name in a registry stands for: one that `--cache-to` wrote, or an image with an inline cache. Throws RegistryFailure, TransferFailure or InvalidImage. */
export async function openRegistryCache(session: Session, store: Store, reference: Reference, { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal }): Promise<CacheSource> {
  const name = familiarReference(reference);
  const { repository } = reference;
  let raw = await getManifest(session, { repository, tagOrDigest: reference.digest ?? reference.tag!, signal });
  if (raw.mediaType === mediaTypes.index || raw.mediaType === mediaTypes.dockerManifestList) {
    const { manifests } = parseIndex({ what: `index ${raw.digest}`, bytes: raw.bytes });
    // BuildKit's older shape: an index that lists layers, and the config as one of them.
    if (manifests.some(({ mediaType }) => isBuildkitConfig(mediaType))) throw buildkitCache();
    const chosen = choosePlatform(manifests, platform);
    if (chosen === undefined) throw noCache(name);
    raw = await getManifest(session, { repository, tagOrDigest: chosen.digest, signal });
  }
  const manifest = parseManifest({ what: `manifest ${raw.digest}`, bytes: raw.bytes });
  return await openCache(name, manifest, { blobs: repositoryBlobs(session, repository), store, signal, close: () => session[Symbol.dispose]() });
}
