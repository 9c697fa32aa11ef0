import { createHash } from "node:crypto";
import { decompressStream } from "../archive/decompress.ts";
import { choosePlatform } from "../oci/choose-platform.ts";
import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import { digestFromHex, hexOf, type Digest, type DiffId } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { isIndex, isManifest, parseConfig, parseIndex, parseManifest, type Untrusted } from "../oci/image-json.ts";
import type { Manifest } from "../oci/manifest.ts";
import type { Platform } from "../oci/platform.ts";
import { canonicalReference, parseReference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import type { Store } from "../store/store.ts";
import { parseDockerManifest, type DockerManifestEntry } from "./docker-manifest.ts";
import { ArchiveFailure } from "./export-error.ts";
import { annotations, blobPath } from "./layout.ts";
import { putLocalImage } from "../store/images/put-local-image.ts";
import type { Member } from "./members.ts";
import { stashMembers, type Part, type Stash } from "./stash.ts";

/** Manifests, configs and indexes are read into memory; the bound is that of containerd and podman. */
const MAX_JSON = 4 << 20;

/** One image of an archive, and the names that the archive gives it. */
export interface LoadedImage {
  readonly record: ImageRecord;
  /** Canonical. */
  readonly names: readonly string[];
}

/**
 * Puts the images of a docker archive or OCI image layout into the store. Nothing in it is believed: each blob is
 * hashed, and each layer must decompress to the diffID that the config states.
 */
export async function loadImages(store: Store, members: AsyncIterable<Member>, options: { readonly platform: Platform; readonly signal?: AbortSignal }): Promise<LoadedImage[]> {
  const stash = await stashMembers(store, members, options.signal);
  return await new Loader(store, stash, options.platform).load();
}

/** Puts the layers of one image of an OCI image layout into the store, and gives its config. It is no image of the store after that. */
export async function loadLayers(store: Store, members: AsyncIterable<Member>, manifest: Descriptor, options: { readonly platform: Platform; readonly signal: AbortSignal }): Promise<ImageConfig> {
  const stash = await stashMembers(store, members, options.signal);
  return (await new Loader(store, stash, options.platform).putLayers(manifest)).config;
}

class Loader {
  readonly #store: Store;
  readonly #stash: Stash;
  readonly #platform: Platform;

  constructor(store: Store, stash: Stash, platform: Platform) {
    this.#store = store;
    this.#stash = stash;
    this.#platform = platform;
  }

  async load(): Promise<LoadedImage[]> {
    if (this.#stash.get("index.json") !== undefined) {
      return await this.#loadLayout();
    }
    if (this.#stash.get("manifest.json") !== undefined) {
      return await this.#loadDocker(parseDockerManifest(await this.#file("manifest.json")));
    }
    throw new ArchiveFailure("not-an-image", 'load images: the archive has neither "manifest.json" (docker save) nor "index.json" (OCI image layout)', {
      hint: "a plain root file system becomes an image with `laminate import`",
    });
  }

  /** Each manifest once, with all the names that the index has for it. */
  async #loadLayout(): Promise<LoadedImage[]> {
    const index = parseIndex(await this.#file("index.json"));
    const named = new Map<Digest, { readonly descriptor: Descriptor; readonly names: Set<string> }>();
    for (const each of index.manifests) {
      const descriptor = await this.#imageManifest(each);
      if (descriptor === undefined) continue;
      const entry = named.get(descriptor.digest) ?? { descriptor, names: new Set() };
      for (const name of namesIn(each)) entry.names.add(name);
      named.set(descriptor.digest, entry);
    }
    if (named.size === 0) throw new ArchiveFailure("not-an-image", 'load images: "index.json" lists no image');
    const loaded: LoadedImage[] = [];
    for (const { descriptor, names } of named.values()) loaded.push(await this.#loadManifest(descriptor, [...names]));
    return loaded;
  }

  /** The manifest that a descriptor of index.json stands for: itself, or this platform's of an image index. */
  async #imageManifest(descriptor: Descriptor): Promise<Descriptor | undefined> {
    if (isManifest(descriptor)) return descriptor;
    if (!isIndex(descriptor)) return undefined;
    const { manifests } = parseIndex(await this.#blob(descriptor));
    const here = manifests.filter((each) => isManifest(each) && each.platform?.os !== "unknown" && this.#stash.get(blobPath(each.digest)) !== undefined);
    return choosePlatform(here, this.#platform) ?? here[0];
  }

  async #loadManifest(descriptor: Descriptor, names: readonly string[]): Promise<LoadedImage> {
    const { manifest } = await this.putLayers(descriptor);
    return { record: await this.#store.images.put(withoutNames(descriptor, manifest), names), names };
  }

  async putLayers(descriptor: Descriptor): Promise<{ readonly manifest: Manifest; readonly config: ImageConfig }> {
    const bytes = await this.#blob(descriptor);
    const manifest = parseManifest(bytes);
    const config = parseConfig(await this.#blob(manifest.config));
    const diffIds = this.#checkCount(config, manifest.layers.length);
    for (const [at, layer] of manifest.layers.entries()) {
      const part = this.#stash.get(blobPath(layer.digest)) ?? this.#storedPart(layer);
      await this.#putLayer({ what: layer.digest, part, diffId: diffIds[at]!, layer });
    }
    return { manifest, config };
  }

  async #loadDocker(entries: readonly DockerManifestEntry[]): Promise<LoadedImage[]> {
    const loaded: LoadedImage[] = [];
    for (const entry of entries) {
      const bytes = await this.#file(entry.config);
      const diffIds = this.#checkCount(parseConfig(bytes), entry.layers.length);
      for (const [at, path] of entry.layers.entries()) {
        await this.#putLayer({ what: path, part: this.#stash.get(path), diffId: diffIds[at]! });
      }
      const names = entry.names.map((name) => canonicalReference(parseReference(name)));
      loaded.push({ record: await putLocalImage(this.#store, bytes.bytes, diffIds, names), names });
    }
    return loaded;
  }

  #checkCount(config: ImageConfig, count: number): readonly DiffId[] {
    const diffIds = config.rootfs.diff_ids;
    if (diffIds.length !== count) {
      throw new ArchiveFailure("not-an-image", `load image: its config has ${diffIds.length} layers, its manifest ${count}`);
    }
    return diffIds;
  }

  /** Makes sure that the store has the layer, and that what the archive holds for it is that layer. */
  async #putLayer({ what, part, diffId, layer }: { what: string; part: Part | undefined; diffId: DiffId; layer?: Descriptor }): Promise<void> {
    if (part === undefined) {
      const hint = (layer?.urls?.length ?? 0) > 0 ? "it is a foreign layer, to be downloaded from elsewhere; these are not supported" : undefined;
      throw new ArchiveFailure("missing-member", `load image: the archive lacks the layer ${what}`, hint === undefined ? {} : { hint });
    }
    this.#store.leases.hold(diffId);
    const found = part.kind === "layer" ? part.diffId : await this.#unpackedDigest(part.digest, diffId);
    if (found !== diffId) {
      throw new ArchiveFailure("wrong-digest", `load image: the layer ${what} is ${found}, but the image's config says ${diffId}`);
    }
    if (part.kind === "blob" && layer !== undefined) await this.#store.layers.addBlob(diffId, layer);
  }

  /** The digest of a compressed layer's tar, which is put into the store when it is not there. */
  async #unpackedDigest(digest: Digest, diffId: DiffId): Promise<Digest> {
    const tar = decompressStream(this.#store.content.read(digest)) as AsyncIterable<Buffer>;
    if (!this.#store.layers.has(diffId)) return await this.#store.layers.putTar(tar, diffId);
    const hash = createHash("sha256");
    for await (const chunk of tar) hash.update(chunk);
    return digestFromHex(hash.digest("hex"));
  }

  /** A layer that the archive leaves out, as it may when the store has its blob. */
  #storedPart(layer: Descriptor): Part | undefined {
    return this.#store.content.has(layer.digest) ? { kind: "blob", digest: layer.digest, size: layer.size } : undefined;
  }

  async #file(name: string): Promise<Untrusted> {
    const part = this.#stash.get(name);
    if (part?.kind !== "blob") throw new ArchiveFailure("missing-member", `load images: the archive lacks "${name}"`);
    return { what: `"${name}"`, bytes: await this.#store.content.readAll(part.digest, MAX_JSON) };
  }

  async #blob(descriptor: Descriptor): Promise<Untrusted> {
    const part = this.#stash.get(blobPath(descriptor.digest));
    if (part?.kind !== "blob") throw new ArchiveFailure("missing-member", `load images: the archive lacks the blob ${descriptor.digest}`);
    if (part.size !== descriptor.size) {
      throw new ArchiveFailure("wrong-digest", `load images: the blob sha256:${hexOf(descriptor.digest).slice(0, 12)}… has ${part.size} bytes, but is said to have ${descriptor.size}`);
    }
    return { what: descriptor.digest, bytes: await this.#store.content.readAll(part.digest, MAX_JSON) };
  }
}

/** Names that docker, containerd, podman and skopeo give an image in an index; a tag alone names no repository. */
function namesIn(descriptor: Descriptor): string[] {
  const own = descriptor.annotations?.[annotations.imageName];
  const ref = descriptor.annotations?.[annotations.refName];
  const name = own ?? (ref !== undefined && /[:/]/.test(ref) ? ref : undefined);
  return name === undefined ? [] : [canonicalReference(parseReference(name))];
}

function withoutNames({ digest, size }: Descriptor, manifest: Manifest): Descriptor {
  return { mediaType: manifest.mediaType ?? mediaTypes.manifest, digest, size };
}
