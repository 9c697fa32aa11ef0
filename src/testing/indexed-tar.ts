import { createReadStream, statSync } from "node:fs";
import { writeIndex } from "../store/layers/index-file.ts";
import { indexOf } from "../store/layers/ingest-tar.ts";
import { LayerIndex } from "../store/layers/layer-index.ts";
import type { LayerFiles } from "../store/layers/unpack.ts";

/** A tar with its index beside it, as the store keeps a layer. */
export async function indexedTar(tar: string): Promise<LayerFiles> {
  const size = statSync(tar).size;
  const index = `${tar}.index`;
  writeIndex(index, new LayerIndex(await indexOf(createReadStream(tar)), { tarSize: size, composed: false }));
  return { index, parts: [{ file: tar, offset: 0, length: size }] };
}
