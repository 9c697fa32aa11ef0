import { createHash } from "node:crypto";
import { readTar } from "../../archive/read-tar.ts";
import { digestFromHex, type DiffId } from "../../oci/digest.ts";
import { HashingFile } from "../durable.ts";
import type { Entry } from "./entry.ts";
import { LayerBuilder } from "./layer-builder.ts";

/** Reads a layer's tar to its end and gives its entries, with each file's digest and place. */
export async function indexTar(source: AsyncIterable<Buffer>): Promise<Entry[]> {
  const layer = new LayerBuilder();
  for await (const { header, offset, body } of readTar(source)) {
    const entry = layer.add(header);
    if (entry?.type !== "file") continue;
    const hash = createHash("sha256");
    for await (const chunk of body) hash.update(chunk);
    entry.digest = digestFromHex(hash.digest("hex"));
    if (offset !== undefined) entry.offset = offset;
  }
  return layer.entries();
}

/** Writes a layer's tar to a new file, in one pass with its diffID and its entries. Nothing remains after an error. */
export async function recordTar(source: AsyncIterable<Buffer>, path: string): Promise<{ diffId: DiffId; size: number; entries: Entry[] }> {
  await using file = await HashingFile.create(path);
  const entries = await indexTar(copyTo(file, source));
  const { digest, size } = await file.finish();
  return { diffId: digest as DiffId, size, entries };
}

async function* copyTo(file: HashingFile, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    await file.write(chunk);
    yield chunk;
  }
}
