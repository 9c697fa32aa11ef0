import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errnoOf } from "../base/failure.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { ArchiveFailure } from "./export-error.ts";
import { annotations, blobFiles, indexDescriptors, indexFile, layoutMarker, type LayoutFile, type NamedImage } from "./layout.ts";

/** Writes images into an OCI image layout directory, which may hold others already; a name that is there moves. */
export async function writeOciDirectory(directory: string, images: readonly NamedImage[], signal?: AbortSignal): Promise<void> {
  const there = manifestsIn(directory);
  mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
  for (const file of blobFiles(images)) {
    if (!existsSync(join(directory, file.path))) await writeFile(directory, file, signal);
  }
  const added = indexDescriptors(images);
  const kept = there.filter((one) => !added.some((other) => replaces(other, one)));
  await writeFile(directory, layoutMarker(), signal);
  // Last: until now a reader saw the images that were there.
  await writeFile(directory, indexFile([...kept, ...added]), signal);
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
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
  if (names.length === 0) return [];
  if (!names.includes("oci-layout")) {
    throw new ArchiveFailure("in-the-way", `write images to "${directory}": it holds files that are no OCI image layout`, { hint: "name a directory that is empty, missing or an OCI image layout" });
  }
  if (!names.includes("index.json")) return [];
  return (JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as ImageIndex).manifests;
}

async function writeFile(directory: string, file: LayoutFile, signal: AbortSignal | undefined): Promise<void> {
  const target = join(directory, file.path);
  const temporary = `${target}.${process.pid}.new`;
  await pipeline(Readable.from(file.open()), createWriteStream(temporary, { flush: true }), signal === undefined ? {} : { signal });
  renameSync(temporary, target);
}
