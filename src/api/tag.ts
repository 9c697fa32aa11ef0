import { canonicalReference, parseReference } from "../oci/reference.ts";
import { RequestFailure } from "./api-error.ts";
import type { WithStore } from "./image-view.ts";

/** Gives an image one more name; an image that had the name loses it. */
export async function tag({ store }: WithStore, options: { readonly source: string; readonly target: string }): Promise<void> {
  const target = parseReference(options.target);
  if (target.digest !== undefined) {
    throw new RequestFailure("bad-name", `tag image: refusing to create a tag with a digest reference: "${options.target}"`);
  }
  await store.images.put(store.images.find(options.source).manifest, [canonicalReference(target)]);
}
