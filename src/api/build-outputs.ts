import type { ImageRecord } from "../store/images/image-store.ts";
import type { Compression } from "../oci/descriptor.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";
import type { BuiltImage } from "../executors/built-image.ts";
import type { SaveFormat, WriteTarget } from "../exporters/write-images.ts";
import { localImage, putLocalImage } from "../store/images/put-local-image.ts";
import type { Laminate } from "./laminate.ts";

/** Where a build's result goes (docker build --output). With `rewriteTimes` nothing in the layers is younger than SOURCE_DATE_EPOCH. */
export type BuildOutput =
  /** Into the store under the build's names or these, and from there to the registries that they say. */
  | { readonly kind: "image"; readonly names?: readonly string[]; readonly push?: true; readonly insecure?: true; readonly rewriteTimes?: true }
  /** Into an archive or an OCI image layout directory. */
  | { readonly kind: "archive"; readonly format: SaveFormat; readonly output: WriteTarget; readonly names?: readonly string[]; readonly compression: Compression; readonly rewriteTimes?: true }
  /** The files alone. */
  | { readonly kind: "directory"; readonly directory: string }
  | { readonly kind: "tar"; readonly output: WriteTarget }
  /** Nowhere: the steps are in the cache. */
  | { readonly kind: "nothing" };

/** Puts the image into the store where an output asks for one, else only what an archive is made of. */
export async function putBuilt({ store }: Pick<Laminate, "store">, { config, layers }: BuiltImage, outputs: readonly BuildOutput[], { tags, annotations }: { readonly tags: readonly string[]; readonly annotations: Readonly<Record<string, string>> }): Promise<ImageRecord | undefined> {
  if (outputs.some(({ kind }) => kind === "image")) return await putLocalImage(store, config, layers, namesOf(outputs, tags), annotations);
  return outputs.some(({ kind }) => kind === "archive") ? await localImage(store, config, layers, annotations) : undefined;
}

/** The canonical names under which images come into the store. */
export function namesOf(outputs: readonly BuildOutput[], tags: readonly string[]): readonly string[] {
  const names = outputs.flatMap((output) => (output.kind === "image" ? (output.names ?? tags) : []));
  return [...new Set(names.map((name) => canonicalReference(parseReference(name))))];
}
