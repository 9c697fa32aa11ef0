import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { compressGzip, compressZstd } from "../../archive/compress.ts";
import { decompressStream } from "../../archive/decompress.ts";
import { errnoOf } from "../../base/failure.ts";
import { mediaTypes, type Compression, type Descriptor } from "../../oci/descriptor.ts";
import { digestFromHex, hexOf, type Digest, type DiffId } from "../../oci/digest.ts";
import { syncfs } from "../../sys/files.ts";
import type { Claims } from "../claims.ts";
import type { Leases } from "../leases.ts";
import type { ContentStore } from "../content/content-store.ts";
import { StoreFailure } from "../store-error.ts";
import type { Temporary } from "../temporary.ts";
import { writeFileAtomically } from "../write-file.ts";
import { readIndex, writeIndex } from "./index-file.ts";
import { ingestTar } from "./ingest-tar.ts";
import { layerIdentity } from "./identity.ts";
import type { LayerIndex } from "./layer-index.ts";
import { isErofsOf, writeErofs } from "./erofs/write-erofs.ts";
import type { Dialect, ErofsLower, LayerMounter, Lower } from "./lower.ts";

export type { Dialect } from "./lower.ts";
export type Unpack = (tarPath: string, target: string) => Promise<void>;

/** A layer that a sandbox made: files in a temporary directory on the store's file system. */
export interface MadeLayer {
  /** The overlay's upper directory. */
  readonly directory: string;
  readonly tar: string;
  readonly index: string;
  readonly diffId: DiffId;
}

/**
 * Layers by diffID, each a value with up to four materials: the uncompressed tar, a directory that overlayfs can
 * mount, an EROFS image with which it can mount the tar instead, compressed blobs. One is made from another when it is
 * asked for: `layers/HEX/{index,tar,directory.*,erofs,blobs.json}`.
 */
export class LayerStore {
  readonly #layers: string;
  readonly #content: ContentStore;
  readonly #temporary: Temporary;
  readonly #claims: Claims;
  readonly #leases: Leases;
  readonly #indexes = new Map<DiffId, Promise<LayerIndex & { readonly tarSize: number }>>();

  constructor(root: string, parts: { readonly content: ContentStore; readonly temporary: Temporary; readonly claims: Claims; readonly leases: Leases }) {
    this.#layers = path.join(root, "layers");
    this.#content = parts.content;
    this.#temporary = parts.temporary;
    this.#claims = parts.claims;
    this.#leases = parts.leases;
    mkdirSync(this.#layers, { recursive: true });
  }

  /** Whether the layer can be had: some material of it is here. */
  has(diffId: DiffId): boolean {
    return existsSync(this.#file(diffId, "tar")) || this.#presentBlobs(diffId).length > 0;
  }

  /** The layer's index. Throws StoreFailure `not-found`. */
  async index(diffId: DiffId): Promise<LayerIndex> {
    return this.#index(diffId);
  }

  /** What the layer says, apart from times: see layerIdentity. */
  async identity(diffId: DiffId): Promise<Digest> {
    return layerIdentity((await this.#index(diffId)).entries);
  }

  /** The path of the uncompressed tar. */
  async tar(diffId: DiffId): Promise<string> {
    const tar = this.#file(diffId, "tar");
    if (!existsSync(tar)) {
      const [blob] = this.#presentBlobs(diffId);
      if (blob === undefined) {
        throw new StoreFailure("not-found", `read the layer ${diffId}: it is not in the store`);
      }
      await this.putTar(decompressStream(this.#content.read(blob.digest)) as AsyncIterable<Buffer>, diffId);
    }
    return tar;
  }

  /** Bytes of the uncompressed tar. */
  async tarSize(diffId: DiffId): Promise<number> {
    return statSync(this.#file(diffId, "tar"), { throwIfNoEntry: false })?.size ?? (await this.#index(diffId)).tarSize;
  }

  /**
   * Takes in a layer's tar, uncompressed; with `expected`, only if it is that layer. Throws StoreFailure for one that
   * climbs out or is another layer, ArchiveError for one that is no tar; nothing is then kept.
   */
  async putTar(source: AsyncIterable<Buffer>, expected?: DiffId): Promise<DiffId> {
    const made = this.#temporary.directory();
    try {
      const tar = path.join(made, "tar");
      const index = path.join(made, "index");
      const { diffId, size, entries } = await ingestTar(source, tar);
      if (expected !== undefined && diffId !== expected) {
        throw new StoreFailure("digest-mismatch", `store the layer ${expected}: what came has the diffID ${diffId}`);
      }
      writeIndex(index, entries, size);
      this.#place(diffId, { index, tar });
      return diffId;
    } finally {
      rmSync(made, { recursive: true, force: true });
    }
  }

  /** Takes in a layer that a sandbox made: its files are moved, not copied. */
  async adoptDirectory({ directory, tar, index, diffId }: MadeLayer, dialect: Dialect): Promise<void> {
    await syncfs(this.#layers); // one call for all of the directory's files
    this.#place(diffId, { index, tar });
    const wrapped = this.#temporary.directory();
    try {
      renameSync(directory, path.join(wrapped, "fs"));
      this.#place(diffId, { [`directory.${dialect}`]: wrapped });
    } catch (error) {
      // A step that gave "/" to another user made it one that we may not move; it is unpacked again when it is needed.
      if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") {
        throw error;
      }
    }
  }

  /** Says that a blob in the content store is this layer's tar, compressed or not. */
  async addBlob(diffId: DiffId, descriptor: Descriptor): Promise<void> {
    await using _claim = await this.#claims.claim(`blobs:${hexOf(diffId)}`);
    const known = this.#blobs(diffId);
    if (known.some(({ digest }) => digest === descriptor.digest)) {
      return;
    }
    const { mediaType, digest, size } = descriptor;
    mkdirSync(this.#directory(diffId), { recursive: true });
    writeFileAtomically(this.#file(diffId, "blobs.json"), JSON.stringify([...known, { mediaType, digest, size }]), this.#temporary.file());
  }

  /** A blob of the layer for sending: one that is here, whatever its compression; else the tar, compressed now and kept. */
  async blob(diffId: DiffId, compression: Compression): Promise<Descriptor> {
    const known = this.#presentBlobs(diffId)[0];
    if (known !== undefined) {
      return known;
    }
    await using _claim = await this.#claims.claim(`compress:${hexOf(diffId)}`);
    const meanwhile = this.#presentBlobs(diffId)[0];
    if (meanwhile !== undefined) {
      return meanwhile;
    }
    const tar = createReadStream(await this.tar(diffId), { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
    const mediaType = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd }[compression];
    const packed = compression === "none" ? tar : compression === "gzip" ? compressGzip(tar) : compressZstd(tar);
    const descriptor = { mediaType, ...(await this.#content.ingest(packed as AsyncIterable<Buffer>)) };
    await this.addBlob(diffId, descriptor);
    return descriptor;
  }

  /** The layer as a directory for overlayfs; unpacked, if it is not here, by one process at a time. */
  async directory(diffId: DiffId, dialect: Dialect, unpack: Unpack): Promise<string> {
    const wrapped = this.#file(diffId, `directory.${dialect}`);
    const files = path.join(wrapped, "fs");
    if (existsSync(files)) {
      return files;
    }
    await using _claim = await this.#claims.claim(`directory:${hexOf(diffId)}`);
    if (!existsSync(files)) {
      const tar = await this.tar(diffId);
      const made = this.#temporary.directory();
      const target = path.join(made, "fs");
      mkdirSync(target, { mode: 0o755 });
      await unpack(tar, target);
      this.#place(diffId, { [`directory.${dialect}`]: made });
    }
    return files;
  }

  /** The layer for overlayfs: its directory if there is one; else, where that can be mounted, its tar in place; else it is unpacked. */
  async lower(diffId: DiffId, mounter: LayerMounter): Promise<Lower> {
    if (!existsSync(this.#file(diffId, `directory.${mounter.dialect}`)) && (await mounter.mountsImages())) {
      const erofs = await this.#erofs(diffId);
      if (erofs !== undefined) {
        return erofs;
      }
    }
    const path = await this.directory(diffId, mounter.dialect, (tar, target) => mounter.unpack(tar, target));
    return { kind: "directory", path };
  }

  list(): DiffId[] {
    return readdirSync(this.#layers).flatMap((name) => (/^[0-9a-f]{64}$/.test(name) ? [digestFromHex(name) as DiffId] : []));
  }

  /** Takes a layer with all its materials but blobs out of the store, at once, so that no half of it is ever seen. Gives where it is now, for the caller to remove. */
  detach(diffId: DiffId): string | undefined {
    const gone = this.#temporary.file();
    this.#indexes.delete(diffId);
    try {
      renameSync(this.#directory(diffId), gone);
      return gone;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") {
        return undefined;
      }
      throw error;
    }
  }

  /** Where a layer's materials lie, for those who count them. */
  place(diffId: DiffId): string {
    return this.#directory(diffId);
  }

  /** The compressed blobs of a layer that are here. */
  blobs(diffId: DiffId): readonly Descriptor[] {
    return this.#presentBlobs(diffId);
  }

  /** The layer's tar with an image over it; undefined for a layer that no image can say. */
  async #erofs(diffId: DiffId): Promise<ErofsLower | undefined> {
    const tar = await this.tar(diffId);
    const image = this.#file(diffId, "erofs");
    const devices = [{ size: statSync(tar).size }];
    if (!isErofsOf(image, devices)) {
      await using _claim = await this.#claims.claim(`erofs:${hexOf(diffId)}`);
      if (!isErofsOf(image, devices)) {
        rmSync(image, { force: true });
        const made = this.#temporary.file();
        const { entries } = await this.#index(diffId);
        if (!writeErofs(made, { entries, devices, uuid: Buffer.from(hexOf(diffId).slice(0, 32), "hex") })) {
          return undefined;
        }
        this.#place(diffId, { erofs: made });
      }
    }
    return { kind: "erofs", image, devices: [tar] };
  }

  #index(diffId: DiffId): Promise<LayerIndex & { readonly tarSize: number }> {
    let index = this.#indexes.get(diffId);
    if (index === undefined) {
      index = this.#readIndex(diffId);
      this.#indexes.set(diffId, index);
      index.catch(() => this.#indexes.delete(diffId));
    }
    return index;
  }

  async #readIndex(diffId: DiffId): Promise<LayerIndex & { readonly tarSize: number }> {
    const file = this.#file(diffId, "index");
    if (!existsSync(file)) {
      await this.tar(diffId); // its index comes with it
    }
    return readIndex(file);
  }

  /** Moves materials to their places, the index before what makes the layer exist; what is there already stays. */
  #place(diffId: DiffId, materials: Readonly<Record<string, string>>): void {
    this.#leases.hold(diffId);
    mkdirSync(this.#directory(diffId), { recursive: true });
    for (const [name, from] of Object.entries(materials)) {
      const target = this.#file(diffId, name);
      if (!existsSync(target)) {
        renameSync(from, target);
      }
    }
  }

  #presentBlobs(diffId: DiffId): Descriptor[] {
    return this.#blobs(diffId).filter(({ digest }) => this.#content.has(digest));
  }

  #blobs(diffId: DiffId): Descriptor[] {
    try {
      return JSON.parse(readFileSync(this.#file(diffId, "blobs.json"), "utf8")) as Descriptor[];
    } catch (error) {
      if (errnoOf(error) === "ENOENT") {
        return [];
      }
      throw error;
    }
  }

  #directory(diffId: DiffId): string {
    return path.join(this.#layers, hexOf(diffId));
  }

  #file(diffId: DiffId, name: string): string {
    return path.join(this.#directory(diffId), name);
  }
}
