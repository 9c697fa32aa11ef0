import { randomBytes } from "node:crypto";
import { closeSync, createWriteStream, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errnoOf, reasonOf } from "../base/failure.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { parseIndex } from "../oci/image-json.ts";
import { waitForLock } from "../sys/files.ts";
import { ArchiveFailure } from "./export-error.ts";
import { makeTarget } from "./make-target.ts";
import { annotations, blobFiles, indexDescriptors, indexFile, layoutMarker, type LayoutFile, type NamedImage } from "./layout.ts";

/**
 * Writes images into an OCI image layout directory, which may hold others already; a name that is there moves. Several
 * may write to one directory at once, and none loses what another added. Throws ArchiveFailure, or InvalidImage
 * for an index that is none.
 */
export async function writeOciDirectory(directory: string, images: readonly NamedImage[], signal?: AbortSignal): Promise<void> {
  makeTarget(directory);
  await inTurn(directory, async () => {
    manifestsIn(directory); // what cannot be added to is told before anything is written
    await writeFile(directory, layoutMarker(), signal);
  });
  makeTarget(join(directory, "blobs", "sha256"));
  for (const file of blobFiles(images)) {
    // One that was cut short on its way is written again.
    if (statSync(join(directory, file.path), { throwIfNoEntry: false })?.size !== file.size) await writeFile(directory, file, signal);
  }
  const added = indexDescriptors(images);
  await inTurn(directory, async () => {
    const kept = manifestsIn(directory).filter((one) => !added.some((other) => replaces(other, one)));
    // Last: until now a reader saw the images that were there.
    await writeFile(directory, indexFile([...kept, ...added]), signal);
  });
}

/** One writer after another, where the file system has locks. */
async function inTurn(directory: string, work: () => Promise<void>): Promise<void> {
  const file = openSync(directory, "r");
  try {
    await waitForLock(file).catch(() => undefined);
    await work();
  } finally {
    closeSync(file);
  }
}

function replaces(added: Descriptor, there: Descriptor): boolean {
  const name = there.annotations?.[annotations.refName];
  return name === undefined ? there.digest === added.digest : name === added.annotations?.[annotations.refName];
}

function manifestsIn(directory: string): readonly Descriptor[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    // Where a file is in its way, making it says so.
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw new ArchiveFailure("in-the-way", `read the directory ${JSON.stringify(directory)}: ${reasonOf(error)}`, { cause: error });
  }
  if (names.length === 0) return [];
  if (!names.includes("oci-layout")) {
    throw new ArchiveFailure("in-the-way", `write images to "${directory}": it holds files that are no OCI image layout`, { hint: "name a directory that is empty, missing or an OCI image layout" });
  }
  if (!names.includes("index.json")) return [];
  const index = join(directory, "index.json");
  return parseIndex({ what: JSON.stringify(index), bytes: readFileSync(index) }).manifests;
}

async function writeFile(directory: string, file: LayoutFile, signal: AbortSignal | undefined): Promise<void> {
  const target = join(directory, file.path);
  const temporary = `${target}.${randomBytes(6).toString("hex")}.new`;
  try {
    await pipeline(Readable.from(file.open()), createWriteStream(temporary, { flush: true }), signal === undefined ? {} : { signal });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true }); // nobody writes to that name again
    throw error;
  }
}
