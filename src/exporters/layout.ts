import { hexOf, type Digest } from "../oci/digest.ts";
import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { canonicalReference, familiarReference, type Reference } from "../oci/reference.ts";
import type { OutgoingBlob, OutgoingImage } from "./outgoing-image.ts";

/** An image and the names it leaves under. */
export interface NamedImage {
  readonly image: Omit<OutgoingImage, "record">;
  readonly names: readonly Reference[];
}

/** One file of an image layout. */
export interface LayoutFile {
  readonly path: string;
  readonly size: number;
  open(): AsyncIterable<Buffer>;
}

/** The annotations by which containerd, docker, skopeo and umoci find an image in an index. */
export const annotations = { imageName: "io.containerd.image.name", refName: "org.opencontainers.image.ref.name" } as const;

/** Where a blob lies in an image layout (image-spec, image-layout.md, Blobs). */
export function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** The blobs of some images, each once, by path: image-layout.md's `blobs` directory. */
export function blobFiles(images: readonly NamedImage[]): LayoutFile[] {
  const blobs = new Map<string, OutgoingBlob>();
  for (const { image } of images) {
    for (const blob of [image.manifest, image.config, ...image.layers]) blobs.set(blobPath(blob.descriptor.digest), blob);
  }
  return [...blobs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, blob]) => ({ path, size: blob.descriptor.size, open: () => blob.open() }));
}

/** One descriptor an image and name, as docker writes them. */
export function indexDescriptors(images: readonly NamedImage[]): Descriptor[] {
  return images.flatMap(({ image, names }) => {
    const descriptor = image.manifest.descriptor;
    if (names.length === 0) return [descriptor];
    return names.map((name) => ({
      ...descriptor,
      annotations: { [annotations.imageName]: canonicalReference(name), ...(name.tag === undefined ? {} : { [annotations.refName]: name.tag }) },
    }));
  });
}

export function indexFile(manifests: readonly Descriptor[]): LayoutFile {
  const index: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
  return jsonFile("index.json", index);
}

/** What tells that a directory is an image layout, and of which version. */
export function layoutMarker(): LayoutFile {
  return jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" });
}

/** What docker before 25, podman and many tools read: configs, names and layers in order. */
export function dockerManifest(images: readonly NamedImage[]): LayoutFile {
  const entries = images.map(({ image, names }) => ({
    Config: blobPath(image.config.descriptor.digest),
    RepoTags: names.length === 0 ? null : names.map(familiarReference),
    Layers: image.layers.map((layer) => blobPath(layer.descriptor.digest)),
  }));
  return jsonFile("manifest.json", entries);
}

function jsonFile(path: string, value: unknown): LayoutFile {
  const bytes = Buffer.from(JSON.stringify(value));
  return {
    path,
    size: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}
