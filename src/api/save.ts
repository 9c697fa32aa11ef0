import type { NamedImage } from "../exporters/layout.ts";
import { outgoingImage } from "../exporters/outgoing-image.ts";
import { type SaveFormat, writeImages, type WriteTarget } from "../exporters/write-images.ts";
import type { Compression } from "../oci/descriptor.ts";
import { canonicalReference, parseReference, type Reference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import type { WithStore } from "./image-view.ts";

export interface SaveOptions {
  /** Names (a repository alone means all its tags) or IDs. */
  readonly images: readonly string[];
  readonly format: SaveFormat;
  /** Of layers that were made here; those that came from a registry stay as they came. */
  readonly compression: Compression;
  /** A path, or a stream for the archive formats. */
  readonly output: WriteTarget;
  readonly signal?: AbortSignal;
}

/** Writes images to an archive, or to an OCI image layout directory. */
export async function save({ store }: WithStore, options: SaveOptions): Promise<void> {
  await writeImages(await outgoing(store, options), options);
}

/** Each image once, with the names that were asked for. */
async function outgoing(store: Store, { images, compression }: SaveOptions): Promise<NamedImage[]> {
  const chosen = new Map<string, { readonly record: ImageRecord; readonly names: Map<string, Reference> }>();
  for (const query of images) {
    for (const { record, name } of meant(store, query)) {
      const entry = chosen.get(record.id) ?? { record, names: new Map<string, Reference>() };
      if (name !== undefined) entry.names.set(canonicalReference(name), name);
      chosen.set(record.id, entry);
    }
  }
  return await Promise.all([...chosen.values()].map(async ({ record, names }) => ({ image: await outgoingImage(store, record, compression), names: [...names.values()] })));
}

/** As docker: a repository without a tag means all its tags. */
function meant(store: Store, query: string): { readonly record: ImageRecord; readonly name?: Reference }[] {
  const reference = tryParse(query);
  const tagged = reference !== undefined && /(?:@|:[^/]*$)/.test(query);
  if (reference !== undefined && !tagged) {
    const all = store.images.list().flatMap((record) =>
      record.names
        .map(parseReference)
        .filter((name) => name.registry === reference.registry && name.repository === reference.repository && name.tag !== undefined && name.digest === undefined)
        .map((name) => ({ record, name })),
    );
    if (all.length > 0) return all.sort((a, b) => (a.name.tag! < b.name.tag! ? -1 : 1));
  }
  const record = store.images.find(query);
  const name = reference !== undefined && reference.digest === undefined && record.names.includes(canonicalReference(reference)) ? reference : undefined;
  return [name === undefined ? { record } : { record, name }];
}

function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}
