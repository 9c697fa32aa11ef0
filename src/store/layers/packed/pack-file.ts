import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { BlockCompressor } from "../../../archive/block-compressor.ts";
import { digestFromHex, type Digest } from "../../../oci/digest.ts";
import { Growth } from "../../content/growth.ts";
import { storeWriteFailure } from "../../write-file.ts";
import { StoredTar, type TarPart } from "../stored-tar.ts";
import type { PackedBlock } from "./block-table.ts";
import { KnownBlocks, type PackedLayer } from "./known-blocks.ts";
import { packGzip } from "./pack-gzip.ts";

/** A tar to be compressed to a new file. */
export interface PackAsk {
  readonly target: string;
  readonly parts: readonly TarPart[];
  readonly likely: readonly PackedLayer[];
  /** To compress on, besides the one that asks. */
  readonly threads: number;
  /** Of the file's {@link Growth}. */
  readonly shared: SharedArrayBuffer;
}

/** What was written. */
export interface Packed {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly blocks: readonly PackedBlock[];
}

/** Compresses a tar to a new file, which is not synced. Throws StoreFailure. */
export async function packFile({ target, parts, likely, threads, shared }: PackAsk): Promise<Packed> {
  const tar = new StoredTar(parts);
  const known = new KnownBlocks(tar, likely);
  await using compressor = new BlockCompressor(threads);
  const growth = new Growth(shared);
  const hash = createHash("sha256");
  const blocks: PackedBlock[] = [];
  let size = 0;
  try {
    const file = openSync(target, "wx", 0o644);
    try {
      for await (const chunk of packGzip(tar, { known, compressor, onBlock: (block) => blocks.push(block) })) {
        hash.update(chunk);
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
        size += chunk.length;
        growth.grow(size);
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw storeWriteFailure(error);
  }
  growth.end();
  return { digest: digestFromHex(hash.digest("hex")), size, blocks };
}
