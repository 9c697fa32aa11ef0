import { canonicalJson } from "../../base/canonical-json.ts";
import { digestFromHex, type Digest } from "../../oci/digest.ts";
import { createHash } from "node:crypto";
import type { Entry } from "./entry.ts";

/**
 * What a layer says, apart from when it was said: the digest of its entries without their times and places in the tar.
 * Two layers of one identity are interchangeable for every step above them. Entries come sorted by path.
 */
export function layerIdentity(entries: Iterable<Entry>): Digest {
  const hash = createHash("sha256");
  for (const entry of entries) {
    hash.update(canonicalJson(factsOf(entry)));
    hash.update("\n");
  }
  return digestFromHex(hash.digest("hex"));
}

function factsOf(entry: Entry): { readonly [name: string]: string | number | boolean | undefined | readonly (readonly string[])[] } {
  const { path, type, mode, uid, gid, size, link, opaque, major, minor, digest, xattrs } = entry;
  if (type === "whiteout") {
    return { path, type };
  }
  const attributes = [...(xattrs ?? [])].map(([name, value]) => [name, value.toString("base64")]).sort(([a], [b]) => (a! < b! ? -1 : 1));
  return { path, type, mode, uid, gid, size, link, opaque, major, minor, digest, xattrs: attributes.length === 0 ? undefined : attributes };
}
