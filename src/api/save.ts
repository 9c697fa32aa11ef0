import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { dockerArchive, ociArchive } from "../exporters/archive.ts";
import type { NamedImage } from "../exporters/layout.ts";
import { writeOciDirectory } from "../exporters/oci-directory.ts";
import { outgoingImage } from "../exporters/outgoing-image.ts";
import type { Compression } from "../oci/descriptor.ts";
import { canonicalReference, parseReference, type Reference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import type { WithStore } from "./image-view.ts";

export const SAVE_FORMATS = ["docker-archive", "oci-archive", "oci-dir"] as const;
export type SaveFormat = (typeof SAVE_FORMATS)[number];

export interface SaveOptions {
  /** Names (a repository alone means all its tags) or IDs. */
  readonly images: readonly string[];
  readonly format: SaveFormat;
  /** Of layers that were made here; those that came from a registry stay as they came. */
  readonly compression: Compression;
  /** A path, or a stream for the archive formats. */
  readonly output: string | NodeJS.WritableStream;
  readonly signal?: AbortSignal;
}

/** Writes images to an archive, or to an OCI image layout directory. */
export async function save({ store }: WithStore, options: SaveOptions): Promise<void> {
  const images = await outgoing(store, options);
  if (options.format === "oci-dir") {
    if (typeof options.output !== "string") throw new Error("Internal error: a directory cannot be written to a stream");
    return await writeOciDirectory(options.output, images, options.signal);
  }
  const bytes = options.format === "docker-archive" ? dockerArchive(images) : ociArchive(images);
  if (typeof options.output === "string") return await writeWhole(options.output, bytes, options.signal);
  await pipeline(Readable.from(bytes, { objectMode: false }), options.output, { end: false, ...signalOption(options.signal) });
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

/** A file that is there only when it is whole. */
async function writeWhole(path: string, bytes: AsyncIterable<Buffer>, signal: AbortSignal | undefined): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(temporary, { flush: true }), signalOption(signal));
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function signalOption(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
