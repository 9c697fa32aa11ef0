import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { errnoOf } from "../../../base/failure.ts";
import { storeWriteFailure } from "../../write-file.ts";
import { erofsImage, headSize, isWholeImage, type ErofsSource } from "./erofs-image.ts";

/**
 * Writes a layer's image to a new file. False, and no file, for a layer that no image can say. It is not synced, as it
 * can be made again: {@link isErofsOf} tells one that the machine's end cut short.
 */
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
    } finally {
      closeSync(file);
    }
    return true;
  } catch (error) {
    throw storeWriteFailure(error);
  }
}

/** Whether a whole image over just these devices is at a path. File systems give a file its size after its content. */
export function isErofsOf(path: string, devices: ErofsSource["devices"]): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const head = Buffer.alloc(headSize(devices.length));
      const length = readSync(file, head, 0, head.length, 0);
      return isWholeImage(head.subarray(0, length), fstatSync(file).size, devices);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
