import type { TarSource } from "../archive/write-tar.ts";
import { writeTar } from "../archive/write-tar.ts";
import { blobFiles, dockerManifest, indexDescriptors, indexFile, layoutMarker, type LayoutFile, type NamedImage } from "./layout.ts";

/** What `docker save` writes since version 25: an OCI image layout with docker's manifest.json, as one tar. The same images give the same bytes. */
export function dockerArchive(images: readonly NamedImage[]): AsyncIterable<Buffer> {
  return tarOf([...layoutFiles(images), dockerManifest(images)]);
}

/** An OCI image layout as one tar. */
export function ociArchive(images: readonly NamedImage[]): AsyncIterable<Buffer> {
  return tarOf(layoutFiles(images));
}

function layoutFiles(images: readonly NamedImage[]): LayoutFile[] {
  return [...blobFiles(images), indexFile(indexDescriptors(images)), layoutMarker()];
}

function tarOf(files: readonly LayoutFile[]): AsyncIterable<Buffer> {
  return writeTar([directory("blobs"), directory("blobs/sha256"), ...files.map(member)]);
}

function directory(name: string): TarSource {
  return { header: { name, type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n } };
}

function member({ path, size, open }: LayoutFile): TarSource {
  return { header: { name: path, type: "file", mode: 0o644, uid: 0, gid: 0, size, mtime: 0n }, content: open };
}
