import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errnoOf, Failure, reasonOf } from "../base/failure.ts";
import { dockerArchive, ociArchive } from "./archive.ts";
import { ArchiveFailure } from "./export-error.ts";
import type { NamedImage } from "./layout.ts";
import { writeOciDirectory } from "./oci-directory.ts";

export const SAVE_FORMATS = ["docker-archive", "oci-archive", "oci-dir"] as const;
export type SaveFormat = (typeof SAVE_FORMATS)[number];

/** A path, or a stream. */
export type WriteTarget = string | NodeJS.WritableStream;

/** Writes images to an archive, or to an OCI image layout directory, which must be a path. */
export async function writeImages(images: readonly NamedImage[], { format, output, signal }: { readonly format: SaveFormat; readonly output: WriteTarget; readonly signal?: AbortSignal }): Promise<void> {
  if (format === "oci-dir") {
    if (typeof output !== "string") throw new Error("Internal error: a directory cannot be written to a stream");
    return await writeOciDirectory(output, images, signal);
  }
  await writeBytes(format === "docker-archive" ? dockerArchive(images) : ociArchive(images), output, signal);
}

/** What the file system says of the file that is written, and of no other: a layer that is read may fail too. */
function writeFailure(error: unknown, output: string): unknown {
  const code = errnoOf(error);
  const about = error instanceof Error && "syscall" in error ? error.syscall : undefined;
  return code !== undefined && (about === "write" || about === "open" || about === "rename" || about === "fsync") && !(error instanceof Failure)
    ? new ArchiveFailure("in-the-way", `write ${JSON.stringify(output)}: ${reasonOf(error)}`, { cause: error })
    : error;
}

/** Writes to a stream, which stays open, or to a file that is there only when it is whole. */
export async function writeBytes(bytes: AsyncIterable<Buffer>, output: WriteTarget, signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  if (typeof output !== "string") return await pipeline(Readable.from(bytes, { objectMode: false }), output, { end: false, ...options });
  const temporary = `${output}.${process.pid}.new`;
  try {
    await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(temporary, { flush: true }), options);
    renameSync(temporary, output);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeFailure(error, output);
  }
}
