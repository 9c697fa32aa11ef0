import { rm } from "node:fs/promises";
import path from "node:path";
import { lendImage } from "../store/images/lend-image.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { openLaminate, type Laminate } from "./laminate.ts";

/** A store of its own for trials, with a directory beside it; both go when it is disposed of. */
export interface Scratch extends AsyncDisposable {
  readonly laminate: Laminate;
  readonly directory: string;
}

/** Opens a store within a store's own scratch space, on the same file system, that has these images. A killed process's is swept with the rest. */
export async function openScratch(laminate: Laminate, images: readonly ImageRecord[]): Promise<Scratch> {
  const { store, env } = laminate;
  const directory = store.temporaryDirectory();
  const scratch = await openLaminate({ root: path.join(directory, "store"), env });
  const dispose = async (): Promise<void> => {
    // As an ordinary user the files of RUN belong to subordinate ids: only the sandbox can remove them.
    if (process.geteuid!() !== 0) await scratch.sandbox.removeTree(path.join(scratch.root, "layers"));
    await scratch[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const image of images) await lendImage(store, scratch.store, image);
    return { laminate: scratch, directory, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
