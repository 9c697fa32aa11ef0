import type { CacheTo } from "../../api/cache-exports.ts";
import type { CacheFrom } from "../../api/cache-imports.ts";
import { unreachable } from "../../base/unreachable.ts";
import { isDigest } from "../../oci/digest.ts";
import { parseReference } from "../../oci/reference.ts";
import { actionsCache } from "./actions-cache.ts";
import { parseBytes } from "../parse-bytes.ts";
import { bucketCache, bucketUpload } from "./bucket-cache.ts";
import { WrittenCache, type CommandPlace } from "./written-cache.ts";

/** Of buildx, and not here. */
const ELSEWHERE = ["azblob"];
const BUCKET = ["bucket", "region", "name", "prefix", "blobs_prefix", "manifests_prefix", "endpoint_url", "use_path_style", "access_key_id", "secret_access_key", "session_token"];
const ACTIONS = ["scope", "url", "url_v2", "token", "version", "timeout"];
const SENT = ["mode", "ignore-error", "cache-mounts", "cache-mounts-max-size"];
/** Shape and media types are an image's and OCI's, compression is gzip: to say so is no mistake. */
const IMAGE = ["oci-mediatypes", "image-manifest", "compression"];
const FIXED: Readonly<Record<string, string>> = { "oci-mediatypes": "true", "image-manifest": "true", compression: "gzip" };

/** Bytes of a cache mount that goes where no other size is said. */
const MOST_MOUNT = 2 ** 30;

/** What each may say. */
const FROM = { registry: ["ref", "registry.insecure", "cache-mounts"], local: ["src", "tag", "digest", "cache-mounts"], inline: [], s3: [...BUCKET, "cache-mounts"], gha: [...ACTIONS, "cache-mounts"] };
const TO = { registry: ["ref", ...SENT, "registry.insecure", ...IMAGE], local: ["dest", "tag", ...SENT, ...IMAGE], inline: ["mode"], s3: [...BUCKET, ...SENT, "upload_parallelism", "touch_refresh", ...IMAGE], gha: [...ACTIONS, ...SENT, ...IMAGE] };

/** Reads docker's `--cache-from REF|type=TYPE[,KEY=VALUE…]`. Throws UsageError. */
export function cacheFrom(text: string, place: CommandPlace): CacheFrom {
  const written = WrittenCache.read("--cache-from", text, { ...place, known: FROM, elsewhere: ELSEWHERE, bare: "registry" });
  const mounts = written.isOn("cache-mounts", true) ? {} : { mounts: false };
  switch (written.type) {
    case "registry":
      return { kind: "registry", ...inRegistry(written), ...mounts };
    case "local": {
      const [tag, digest] = [written.get("tag"), written.get("digest")];
      if (digest !== undefined && !isDigest(digest)) throw written.bad(`${JSON.stringify(digest)} is no digest`, "it is sha256: and 64 hex digits");
      return { kind: "local", directory: written.path("src"), ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }), ...mounts };
    }
    case "s3":
      return { kind: "s3", ...bucketCache(written), ...mounts };
    case "gha":
      return { kind: "gha", ...actionsCache(written), ...mounts };
    case "inline":
      throw written.bad("an inline cache is in an image", "name that: type=registry,ref=IMAGE");
    default:
      return unreachable(written.type);
  }
}

/** Reads docker's `--cache-to REF|type=TYPE[,KEY=VALUE…]`. Throws UsageError. */
export function cacheTo(text: string, place: CommandPlace): CacheTo {
  const written = WrittenCache.read("--cache-to", text, { ...place, known: TO, elsewhere: ELSEWHERE, bare: "registry" });
  const sent = { max: written.choice("mode", ["min", "max"]) === "max", ignoreError: written.isOn("ignore-error"), ...mountsOf(written) };
  for (const [key, only] of Object.entries(FIXED)) written.choice(key, [only]);
  switch (written.type) {
    case "registry":
      return { kind: "registry", ...inRegistry(written), ...sent };
    case "local":
      return { kind: "local", directory: written.path("dest"), tag: written.get("tag") ?? "latest", ...sent };
    case "s3":
      return { kind: "s3", ...bucketCache(written), ...bucketUpload(written), ...sent };
    case "gha":
      return { kind: "gha", ...actionsCache(written), ...sent };
    case "inline":
      if (sent.max) throw written.bad("mode=max is not supported for type=inline", "the image has its own steps only");
      return { kind: "inline" };
    default:
      return unreachable(written.type);
  }
}

/** A size alone says that they go too. */
function mountsOf(written: WrittenCache<string>): { readonly mounts?: { readonly most: number } } {
  const size = written.get("cache-mounts-max-size");
  if (!written.isOn("cache-mounts", size !== undefined)) return {};
  return { mounts: { most: size === undefined ? MOST_MOUNT : parseBytes(size, written.flag) } };
}

function inRegistry(written: WrittenCache<string>): { readonly reference: string; readonly insecure?: true } {
  const reference = written.required("ref", "registry.example/app:cache");
  parseReference(reference);
  return { reference, ...(written.isOn("registry.insecure") ? { insecure: true } : {}) };
}

