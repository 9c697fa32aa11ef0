import { join } from "node:path";
import { choosePlatform } from "../oci/choose-platform.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { digestOf, isDigest, type Digest } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest, parseConfig, parseIndex, parseManifest, type Untrusted } from "../oci/image-json.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import type { Store } from "../store/store.ts";
import { ArchiveFailure } from "./export-error.ts";
import { annotations, blobPath } from "./layout.ts";
import { loadLayers } from "./load-images.ts";
import { namedMembers } from "./members.ts";

/** The bound of containerd and podman for a manifest or config. */
const MAX_JSON = 4 << 20;

/** An image of an OCI image layout directory, as `oci-layout://DIRECTORY[:TAG][@DIGEST]` names it. */
export interface LayoutImage {
  readonly directory: string;
  readonly descriptor: Descriptor;
}

/**
 * Finds what the index of a layout has under a tag or digest; without either `latest`, or the only one that is there
 * (buildx, build/opt.go). Throws ArchiveFailure.
 */
export async function findInLayout(directory: string, { tag, digest }: { readonly tag?: string; readonly digest?: string }): Promise<LayoutImage> {
  if (digest !== undefined && !isDigest(digest)) {
    throw new ArchiveFailure("not-an-image", `${JSON.stringify(digest)} is not a digest: expected sha256: and 64 hex digits`);
  }
  const { manifests } = parseIndex(await readFile(directory, "index.json"));
  const named = manifests.find((one) => (digest === undefined ? one.annotations?.[annotations.refName] === (tag ?? "latest") : one.digest === digest));
  const descriptor = named ?? (digest === undefined && tag === undefined && manifests.length === 1 ? manifests[0] : undefined);
  if (descriptor !== undefined) return { directory, descriptor };
  const tags = manifests.flatMap((one) => one.annotations?.[annotations.refName] ?? []);
  throw new ArchiveFailure("not-an-image", `the OCI image layout ${JSON.stringify(directory)} has no image ${digest ?? JSON.stringify(tag ?? "latest")}`, {
    hint: tags.length === 0 ? "its images have no tags: name one by its digest, @sha256:…" : `it has ${tags.join(", ")}`,
  });
}

/** The config of an image in a layout, whose layers are then in the store; those that are there already are not read. Throws ArchiveFailure. */
export async function loadLayoutBase(store: Store, { directory, descriptor }: LayoutImage, platform: Platform, signal: AbortSignal): Promise<ImageConfig> {
  const chosen = await manifestFor(directory, descriptor, platform);
  const manifest = parseManifest(await readBlob(directory, chosen));
  const config = parseConfig(await readBlob(directory, manifest.config));
  store.leases.hold(...config.rootfs.diff_ids);
  if (config.rootfs.diff_ids.every((layer) => store.layers.has(layer))) return config;
  const blobs = [chosen, manifest.config, ...manifest.layers].map(({ digest }) => blobPath(digest));
  return await loadLayers(store, namedMembers(directory, blobs), chosen, { platform, signal });
}

/** An index of a layout. Throws ArchiveFailure. */
export async function readLayoutIndex(directory: string, descriptor: Descriptor): Promise<ImageIndex> {
  return parseIndex(await readBlob(directory, descriptor));
}

/** A manifest of a layout with the bytes of its config. Throws ArchiveFailure. */
export async function readLayoutManifest(directory: string, descriptor: Descriptor): Promise<{ readonly manifest: Manifest; readonly config: Untrusted }> {
  const manifest = parseManifest(await readBlob(directory, descriptor));
  return { manifest, config: await readBlob(directory, manifest.config) };
}

async function manifestFor(directory: string, descriptor: Descriptor, platform: Platform): Promise<Descriptor> {
  if (isManifest(descriptor)) return descriptor;
  const { manifests } = isIndex(descriptor) ? await readLayoutIndex(directory, descriptor) : { manifests: [] };
  const chosen = choosePlatform(manifests, platform);
  if (chosen !== undefined) return chosen;
  throw new ArchiveFailure("not-an-image", `the OCI image layout ${JSON.stringify(directory)} has no image for ${formatPlatform(platform)} under ${descriptor.digest}`);
}

async function readBlob(directory: string, { digest }: { readonly digest: Digest }): Promise<Untrusted> {
  const blob = await readFile(directory, blobPath(digest));
  if (digestOf(blob.bytes) !== digest) throw new ArchiveFailure("wrong-digest", `read ${JSON.stringify(directory)}: the blob ${digest} has other bytes than that`);
  return blob;
}

async function readFile(directory: string, name: string): Promise<Untrusted> {
  for await (const member of namedMembers(directory, [name])) {
    if (member.kind === "file") return { what: JSON.stringify(join(directory, name)), bytes: await readAll(member.body, name) };
  }
  throw new ArchiveFailure("missing-member", `${JSON.stringify(directory)} is no OCI image layout, or not a whole one: it lacks ${name}`);
}

async function readAll(body: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_JSON) throw new ArchiveFailure("not-an-image", `read ${name}: it has more than ${MAX_JSON} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
