import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { storeWriteFailure } from "../../write-file.ts";
import { erofsImage, type ErofsSource } from "./erofs-image.ts";

/** Writes a layer's image to a new file and syncs it. False, and no file, for a layer that no image can say. */
export function writeErofs(target: string, source: ErofsSource): boolean {
  const image = erofsImage(source);
  if (image.kind !== "image") {
    return false;
  }
  try {
    const file = openSync(target, "wx", 0o644);
    try {
      for (const chunk of image.chunks()) {
        for (let at = 0; at < chunk.length; ) {
          at += writeSync(file, chunk, at);
        }
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    throw storeWriteFailure(error);
  }
}
