import { createReadStream } from "node:fs";
import { readTar } from "../../archive/read-tar.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import { flatten, type FlatTree, type LayerEntry } from "./flatten.ts";

/** An image of a docker archive. */
export interface ArchivedImage {
  readonly config: ImageConfig;
  readonly tree: FlatTree;
}

/** The images of an archive that `docker save` or `laminate save` wrote, by name. */
export async function readImageArchive(file: string): Promise<Map<string, ArchivedImage>> {
  const members = new Map<string, Buffer>();
  for (const { header, content } of await readEntries(createReadStream(file))) members.set(header.name, content);
  const read = <Value>(name: string) => JSON.parse(members.get(name)!.toString()) as Value;
  const layers = new Map<string, Promise<LayerEntry[]>>();
  const layer = (name: string) => layers.getOrInsertComputed(name, () => readEntries(async function* () { yield members.get(name)!; }()));
  const images = new Map<string, ArchivedImage>();
  for (const { Config, RepoTags, Layers } of read<{ Config: string; RepoTags: string[] | null; Layers: string[] | null }[]>("manifest.json")) {
    const image = { config: read<ImageConfig>(Config), tree: flatten(await Promise.all((Layers ?? []).map(layer))) };
    for (const tag of RepoTags ?? []) images.set(tag, image);
  }
  return images;
}

async function readEntries(source: AsyncIterable<Buffer>): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  for await (const { header, body } of readTar(source)) entries.push({ header, content: Buffer.concat(await Array.fromAsync(body)) });
  return entries;
}
