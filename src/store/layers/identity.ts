import { hashTexts } from "../../base/texts.ts";
import { digestFromHex, type Digest } from "../../oci/digest.ts";
import type { Entry } from "./entry.ts";

/**
 * What a layer says, apart from when it was said: the digest of its entries without their times and places in the tar.
 * Two layers of one identity are interchangeable for every step above them. Entries come sorted by path.
 */
export function layerIdentity(entries: readonly Entry[]): Digest {
  return digestFromHex(hashTexts(entries, factsOf));
}

/** Fields end with a NUL, which names and links cannot hold; how many there are follows from the last, so no two entries read the same. */
function factsOf({ path, type, mode, uid, gid, size, link, opaque, major, minor, digest, xattrs }: Entry): string {
  if (type === "whiteout") {
    return `${path}\0${type}\0`;
  }
  const attributes = xattrs === undefined ? [] : [...xattrs].map(([name, value]) => `${name}\0${value.toString("base64")}\0`).sort();
  return `${path}\0${type}\0${mode}\0${uid}\0${gid}\0${size}\0${link ?? ""}\0${opaque ?? ""}\0${major ?? ""}\0${minor ?? ""}\0${digest ?? ""}\0${attributes.length}\0${attributes.join("")}`;
}
