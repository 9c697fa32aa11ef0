import { isDigest, type Digest, type DiffId } from "./digest.ts";
import { InvalidImage, listOf, membersOf, parseJson, textOf, type Untrusted } from "./image-json.ts";

/** What a cache in a registry or layout has in the place of an image's config. */
export const CACHE_CONFIG = "application/vnd.laminate.cache.config.v1+json";
/** The member of an image's config that holds the steps of an inline cache. */
export const INLINE_CACHE = "laminate.cache.v1";

/** What BuildKit's caches have in its place (moby/buildkit, cache/remotecache/v1/spec.go), and in the config of an image. */
const BUILDKIT_CONFIG = "application/vnd.buildkit.cacheconfig.v0";
const BUILDKIT_INLINE_CACHE = "moby.buildkit.cache.v0";

/** Whether a config is that of a cache that BuildKit wrote. */
export function isBuildkitConfig(mediaType: string): boolean {
  return mediaType === BUILDKIT_CONFIG;
}

/** A step that somebody made, by its key. */
export interface CachedStep {
  readonly key: Digest;
  readonly layer: DiffId;
  /** RFC 3339. */
  readonly created: string;
}

/** What a cache mount held, packed as a layer. */
export interface CachedMount {
  /** Of the mount in a store: made of its id and of what it begins with. */
  readonly name: string;
  /** As Dockerfiles call it, for people. */
  readonly id: string;
  readonly layer: DiffId;
}

/** Which files a COPY takes of a tree, so that nobody has to look into it for the step's key. */
export interface CachedSelection {
  /** Digest over the tree's name and the words that choose. */
  readonly of: Digest;
  /** The ingredient of the step's key. */
  readonly files: Digest;
}

/** A build cache that travels; `layers` are the diffIDs of its manifest's layers, in their order. */
export interface BuildCache {
  readonly layers: readonly DiffId[];
  readonly steps: readonly CachedStep[];
  readonly mounts: readonly CachedMount[];
  readonly selections: readonly CachedSelection[];
}

/** Reads a cache's config, which anyone may have made. Throws {@link InvalidImage}. */
export function parseCache(given: Untrusted): BuildCache {
  const cache = membersOf(parseJson(given), given);
  return { layers: layersOf(cache["layers"], given, "layers"), steps: stepsOf(cache["steps"], given), mounts: cache["mounts"] === undefined ? [] : mountsOf(cache["mounts"], given), selections: cache["selections"] === undefined ? [] : selectionsOf(cache["selections"], given) };
}

/** The cache inside an image's config, or undefined where there is none; that of BuildKit is only recognised. Throws {@link InvalidImage}. */
export function parseInlineCache(given: Untrusted): BuildCache | "buildkit" | undefined {
  const config = membersOf(parseJson(given), given);
  if (config[INLINE_CACHE] === undefined) return config[BUILDKIT_INLINE_CACHE] === undefined ? undefined : "buildkit";
  const layers = layersOf(membersOf(config["rootfs"], given, "rootfs")["diff_ids"], given, "rootfs.diff_ids");
  return { layers, steps: stepsOf(membersOf(config[INLINE_CACHE], given, INLINE_CACHE)["steps"], given), mounts: [], selections: [] };
}

function layersOf(value: unknown, given: Untrusted, where: string): readonly DiffId[] {
  const layers = listOf(value, given, where);
  if (!layers.every((layer): layer is DiffId => isDigest(layer))) throw new InvalidImage(`read ${given.what}: ${where} holds something that is no sha256 digest`);
  return layers;
}

/** RFC 3339, section 5.6: it goes into the configs of images, where others read it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function stepsOf(value: unknown, given: Untrusted): CachedStep[] {
  return listOf(value, given, "steps").map((each) => {
    const step = membersOf(each, given, "steps");
    const { key, layer } = step;
    const created = textOf(step["created"], given, "steps.created");
    if (!isDigest(key) || !isDigest(layer) || !TIME.test(created) || Number.isNaN(Date.parse(created))) throw new InvalidImage(`read ${given.what}: steps holds something that is no step`);
    return { key, layer: layer as DiffId, created };
  });
}

function mountsOf(value: unknown, given: Untrusted): CachedMount[] {
  return listOf(value, given, "mounts").map((each) => {
    const mount = membersOf(each, given, "mounts");
    const { layer } = mount;
    const [name, id] = [textOf(mount["name"], given, "mounts.name"), textOf(mount["id"], given, "mounts.id")];
    if (!/^[0-9a-f]{32}$/.test(name) || !isDigest(layer)) throw new InvalidImage(`read ${given.what}: mounts holds something that is no cache mount`);
    return { name, id, layer: layer as DiffId };
  });
}

function selectionsOf(value: unknown, given: Untrusted): CachedSelection[] {
  return listOf(value, given, "selections").map((each) => {
    const { of, files } = membersOf(each, given, "selections");
    if (!isDigest(of) || !isDigest(files)) throw new InvalidImage(`read ${given.what}: selections holds something that is no digest`);
    return { of, files };
  });
}
