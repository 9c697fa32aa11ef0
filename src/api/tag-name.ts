import { parseReference, type Reference } from "../oci/reference.ts";
import { RequestFailure } from "./api-error.ts";

/** A name to give an image, which is no digest. Throws InvalidReference, or RequestFailure. */
export function tagName(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest === undefined) return reference;
  throw new RequestFailure("bad-name", `refusing to create a tag with a digest reference: "${text}"`);
}
