import { canonicalReference } from "../oci/reference.ts";
import type { WithStore } from "./image-view.ts";
import { tagName } from "./tag-name.ts";

/** Gives an image one more name; an image that had the name loses it. */
export async function tag({ store }: WithStore, options: { readonly source: string; readonly target: string }): Promise<void> {
  const target = canonicalReference(tagName(options.target));
  await store.images.put(store.images.find(options.source).manifest, [target]);
}
