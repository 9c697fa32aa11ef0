import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { compressZstd } from "../../archive/zstd.ts";
import { decompressStream } from "../../archive/decompress.ts";
import { BLOCK } from "../../archive/tar-header.ts";
import { errnoOf } from "../../base/failure.ts";
import { mediaTypes, type Compression, type Descriptor } from "../../oci/descriptor.ts";
import { digestFromHex, hexOf, parseDigest, type DiffId, type Digest } from "../../oci/digest.ts";
import type { Claims } from "../claims.ts";
import type { Leases } from "../leases.ts";
import type { GrowingFile } from "../content/growth.ts";
import type { ContentStore } from "../content/content-store.ts";
import { StoreFailure } from "../store-error.ts";
import type { Temporary } from "../temporary.ts";
import type { Unsynced } from "../unsynced.ts";
import { storeWriteFailure, writeFileAtomically } from "../write-file.ts";
import type { SinkFor } from "./blob-sink.ts";
import { composeTar } from "./compose-tar.ts";
import { readIdentity, readIndex, writeIndex } from "./index-file.ts";
import { ingestBlob } from "./ingest-blob.ts";
import { indexOf, ingestTar } from "./ingest-tar.ts";
import type { Entry } from "./entry.ts";
import { LayerIndex } from "./layer-index.ts";
import type { ErofsSource } from "./erofs/erofs-image.ts";
import { isErofsOf, writeErofs } from "./erofs/write-erofs.ts";
import { layerDelta } from "./layer-delta.ts";
import { layerPieces, type EarlierLayer, type Locate } from "./layer-pieces.ts";
import type { Dialect, ErofsLower, LayerMounter, Lower } from "./lower.ts";
import { readBlockTable, writeBlockTable } from "./packed/block-table.ts";
import { packBlob } from "./packed/pack-blob.ts";
import type { PackedLayer } from "./packed/known-blocks.ts";
import { StoredTar, type TarPart } from "./stored-tar.ts";
import type { LayerFiles } from "./unpack.ts";
import type { ComposedTar } from "./tar-composer.ts";

export type { Dialect } from "./lower.ts";
export type Unpack = (layer: LayerFiles, target: string) => Promise<void>;

/** Smaller tars are written whole. Bytes. */
const SHARE_FROM = 4 << 20;
/** A tar in more files than that is written anew at its next change. */
const MAX_PART_FILES = 8;
/** How far back a layer knows those that it was composed after. */
const MOST_EARLIER = 16;

/** A layer that a sandbox made: files in a temporary directory on the store's file system. */
export interface PackedTree {
  readonly tar: string;
  readonly index: string;
  readonly diffId: DiffId;
}

export interface MadeLayer extends PackedTree {
  /** The overlay's upper directory. */
  readonly directory: string;
}

/** A layer to be written of entries whose contents lie on this machine. */
export interface NewLayer {
  /** Sorted by path, digests of files included. */
  readonly entries: readonly Entry[];
  /** Theirs. */
  readonly identity: Digest;
  /** Asked for the files whose contents have to be read. */
  readonly locate: Locate;
  /** A layer that is likely to have much in common with it. */
  readonly earlier?: DiffId;
  readonly signal?: AbortSignal;
}

/**
 * Layers by diffID, each a value with up to four materials: the uncompressed tar, a directory that overlayfs can
 * mount, an EROFS image with which it can mount the tar instead, compressed blobs. One is made from another when it is
 * asked for: `layers/HEX/{index,tar,directory.*,erofs,blobs.json,gzip.json}`. A tar that is mostly another layer's is a directory
 * `tar.parts` instead, with links to the files that hold its stretches.
 */
export class LayerStore {
  readonly #layers: string;
  readonly #content: ContentStore;
  readonly #temporary: Temporary;
  readonly #claims: Claims;
  readonly #leases: Leases;
  readonly #unsynced: Unsynced;
  readonly #readOnly: boolean;
  readonly #indexes = new Map<DiffId, Promise<LayerIndex>>();
  /** Syncs under way, by layer. */
  readonly #syncs = new Map<DiffId, Promise<void>>();

  constructor(root: string, parts: { readonly content: ContentStore; readonly temporary: Temporary; readonly claims: Claims; readonly leases: Leases; readonly unsynced: Unsynced; readonly readOnly?: boolean }) {
    this.#layers = path.join(root, "layers");
    this.#content = parts.content;
    this.#temporary = parts.temporary;
    this.#claims = parts.claims;
    this.#leases = parts.leases;
    this.#unsynced = parts.unsynced;
    this.#readOnly = parts.readOnly === true;
    if (!this.#readOnly) mkdirSync(this.#layers, { recursive: true });
  }

  /** Whether the layer can be had: some material of it is here. */
  has(diffId: DiffId): boolean {
    return this.#storedTar(diffId) !== undefined || this.#presentBlobs(diffId).length > 0;
  }

  /** The layer's index. Throws StoreFailure `not-found`. */
  async index(diffId: DiffId): Promise<LayerIndex> {
    return this.#index(diffId);
  }

  /** What the layer says, apart from when: equal for layers that are interchangeable. Throws StoreFailure `not-found`. */
  async identity(diffId: DiffId): Promise<Digest> {
    const known = this.#indexes.has(diffId) ? undefined : readIdentity(this.#file(diffId, "index"));
    return known ?? (await this.#index(diffId)).identity;
  }

  /** The uncompressed tar. */
  async tar(diffId: DiffId): Promise<StoredTar> {
    const stored = this.#storedTar(diffId);
    if (stored !== undefined) {
      return stored;
    }
    const [blob] = this.#presentBlobs(diffId);
    if (blob === undefined) {
      throw new StoreFailure("not-found", `read the layer ${diffId}: it is not in the store`);
    }
    await this.putTar(decompressStream(this.#content.read(blob.digest)) as AsyncIterable<Buffer>, diffId);
    return this.#storedTar(diffId)!;
  }

  /** Bytes of the uncompressed tar. */
  async tarSize(diffId: DiffId): Promise<number> {
    return this.#storedTar(diffId)?.size ?? (await this.#index(diffId)).tarSize;
  }

  /**
   * Takes in a layer's tar, uncompressed; with `expected`, only if it is that layer. Throws StoreFailure for one that
   * climbs out or is another layer, ArchiveError for one that is no tar; nothing is then kept.
   */
  putTar(source: AsyncIterable<Buffer>, expected?: DiffId): Promise<DiffId> {
    return this.#take(expected, async ({ tar, index }) => {
      const { diffId, size, entries } = await ingestTar(source, tar);
      writeIndex(index, new LayerIndex(entries, { tarSize: size, composed: false }));
      return diffId;
    });
  }

  /** Takes in the layer of a blob, compressed or not, while that is still being downloaded. Throws as {@link putTar}; an Error when the download starts anew. */
  putBlob(blob: GrowingFile, expected: DiffId, signal?: AbortSignal): Promise<DiffId> {
    return this.#take(expected, (files) => ingestBlob(blob, { ...files, signal }));
  }

  async #take(expected: DiffId | undefined, write: (files: { readonly tar: string; readonly index: string }) => Promise<DiffId>): Promise<DiffId> {
    const made = this.#temporary.directory();
    try {
      const files = { tar: path.join(made, "tar"), index: path.join(made, "index") };
      const diffId = await write(files);
      if (expected !== undefined && diffId !== expected) {
        throw new StoreFailure("digest-mismatch", `store the layer ${expected}: what came has the diffID ${diffId}`);
      }
      this.#dropDoubtful(diffId);
      this.#place(diffId, files);
      return diffId;
    } finally {
      rmSync(made, { recursive: true, force: true });
    }
  }

  /**
   * Makes a layer of entries. It can be used at once, and is on the disk when {@link settled} has resolved.
   * Throws StoreFailure `digest-mismatch` when a content is not what its entry says.
   */
  async compose({ entries, identity, locate, earlier: likely, signal }: NewLayer): Promise<DiffId> {
    const made = this.#temporary.directory();
    const target = path.join(made, "tar");
    if (likely !== undefined) this.#leases.hold(likely);
    const earlier = likely === undefined ? undefined : await this.#earlier(likely);
    const indexFile = path.join(made, "index");
    const { pieces, columns, size } = await layerPieces(entries, locate, earlier?.index);
    let index: LayerIndex | undefined;
    const meanwhile = (): void => {
      index = new LayerIndex(columns, { tarSize: size(), composed: true, identity });
      writeIndex(indexFile, index);
      if (earlier !== undefined) this.#readAhead(likely!);
    };
    const expected = entries.reduce((sum, { size: bytes }) => sum + bytes + BLOCK, 0);
    const { composed, synced } = await composeTar(pieces, { target, expected, meanwhile, ...(earlier === undefined ? {} : { earlier: earlier.tar }), ...(signal === undefined ? {} : { signal }) });
    const { diffId } = composed;
    const tar = this.#tarMaterial(made, composed);
    const after = "tar" in tar ? {} : { earlier: this.#noteEarlier(made, likely!) };
    this.#placeUnsynced(diffId, { index: indexFile, ...after, ...tar }, synced);
    this.#indexes.set(diffId, Promise.resolve(index!));
    return diffId;
  }

  /** Takes in a layer that a sandbox packed: its files are moved, not copied. */
  adopt({ tar, index, diffId }: PackedTree): void {
    this.#placeUnsynced(diffId, { index, tar }, undefined);
  }

  /** As {@link adopt}, with the directory that it was packed from. */
  async adoptDirectory({ directory, tar, index, diffId }: MadeLayer, dialect: Dialect): Promise<void> {
    this.adopt({ tar, index, diffId });
    const wrapped = this.#temporary.directory();
    try {
      renameSync(directory, path.join(wrapped, "fs"));
      this.#placeDirectory(diffId, `directory.${dialect}`, wrapped);
    } catch (error) {
      // A step that gave "/" to another user made it one that we may not move; it is unpacked again when it is needed.
      if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") {
        throw error;
      }
    }
  }

  /** Takes in a layer of another store: its tar is linked where it can be, not copied, so each store can lose it without the other. */
  async borrow(other: LayerStore, diffId: DiffId): Promise<void> {
    if (this.has(diffId)) return;
    const [{ parts }, index] = [await other.tar(diffId), await other.index(diffId)];
    const made = this.#temporary.directory();
    const files = [...new Set(parts.map(({ file }) => file))];
    const whole = files.length === 1 && parts.length === 1;
    const directory = whole ? made : path.join(made, "tar.parts");
    mkdirSync(directory, { recursive: true });
    files.forEach((file, place) => linkOrCopy(Buffer.from(file), path.join(directory, whole ? "tar" : `${place}`)));
    if (!whole) writeFileAtomically(path.join(directory, "list"), JSON.stringify(parts.map((part) => ({ ...part, file: `${files.indexOf(part.file)}` }))), this.#temporary.file());
    writeIndex(path.join(made, "index"), index);
    this.#place(diffId, { index: path.join(made, "index"), ...(whole ? { tar: path.join(made, "tar") } : { "tar.parts": directory }) });
  }

  #noteEarlier(made: string, earlier: DiffId): string {
    const file = path.join(made, "earlier");
    writeFileSync(file, [earlier, ...this.#earlierOf(earlier)].slice(0, MOST_EARLIER).join("\n"));
    return file;
  }

  /** Resolves when the layer is on the disk: only then may anything say that it is there. Rejects when it cannot be written. */
  async settled(diffId: DiffId): Promise<void> {
    await this.#syncs.get(diffId);
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

  /** A blob of the layer for sending: one that is here, whatever its compression; else the tar, compressed now and kept. `sinkFor` may have a gzip's bytes while it is made. */
  async blob(diffId: DiffId, compression: Compression, sinkFor?: SinkFor): Promise<Descriptor> {
    const known = this.#presentBlobs(diffId)[0];
    if (known !== undefined) {
      return known;
    }
    await using _claim = await this.#claims.claim(`compress:${hexOf(diffId)}`);
    const meanwhile = this.#presentBlobs(diffId)[0];
    if (meanwhile !== undefined) {
      return meanwhile;
    }
    if (compression === "gzip") {
      return await this.#packGzip(diffId, sinkFor);
    }
    const tar = (await this.tar(diffId)).read();
    const mediaType = compression === "none" ? mediaTypes.layer : mediaTypes.layerZstd;
    const packed = compression === "none" ? tar : compressZstd(tar);
    const descriptor = { mediaType, ...(await this.#content.ingest(packed as AsyncIterable<Buffer>)) };
    await this.addBlob(diffId, descriptor);
    return descriptor;
  }

  /** The layer as a directory for overlayfs; unpacked, if it is not here, by one process at a time. */
  async directory(diffId: DiffId, dialect: Dialect, unpack: Unpack): Promise<string> {
    const here = this.#directoryHere(diffId, dialect);
    if (here !== undefined) {
      return here;
    }
    await using _claim = await this.#claims.claim(`directory:${hexOf(diffId)}`);
    const meanwhile = this.#directoryHere(diffId, dialect);
    if (meanwhile !== undefined) {
      return meanwhile;
    }
    const { parts } = await this.tar(diffId);
    await this.#index(diffId); // its file is what is unpacked by
    await this.#unpackTo({ index: this.#file(diffId, "index"), parts }, { diffId, name: `directory.${dialect}`, unpack });
    return this.#directoryHere(diffId, dialect)!;
  }

  async #unpackTo(layer: LayerFiles, { diffId, name, unpack }: { readonly diffId: DiffId; readonly name: string; readonly unpack: Unpack }): Promise<void> {
    const made = this.#temporary.directory();
    const target = path.join(made, "fs");
    mkdirSync(target, { mode: 0o755 });
    await unpack(layer, target);
    this.#placeDirectory(diffId, name, made);
  }

  /**
   * The layer for overlayfs, lowest first: its directory if there is one; else an earlier layer's with a small one over
   * it that holds the difference; else, where that can be mounted, its tar in place; else it is unpacked.
   */
  async lowers(diffId: DiffId, mounter: LayerMounter): Promise<readonly Lower[]> {
    const here = this.#directoryHere(diffId, mounter.dialect);
    if (here !== undefined) {
      return [{ kind: "directory", path: here }];
    }
    const stacked = await this.#overEarlier(diffId, mounter);
    if (stacked !== undefined) {
      return stacked;
    }
    const erofs = (await mounter.mountsImages()) ? await this.#erofs(diffId) : undefined;
    return [erofs ?? { kind: "directory", path: await this.directory(diffId, mounter.dialect, (layer, target) => mounter.unpack(layer, target)) }];
  }

  list(): DiffId[] {
    return readdirSync(this.#layers).flatMap((name) => (/^[0-9a-f]{64}$/.test(name) ? [digestFromHex(name) as DiffId] : []));
  }

  /** Takes a layer with all its materials but blobs out of the store, at once, so that no half of it is ever seen. Gives where it is now, for the caller to remove. */
  detach(diffId: DiffId): string | undefined {
    this.#indexes.delete(diffId);
    return this.#setAside(this.#directory(diffId));
  }

  /** Undefined where another process was faster. */
  #setAside(place: string): string | undefined {
    const gone = this.#temporary.file();
    try {
      renameSync(place, gone);
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

  /** Only over an earlier layer that is made already and no stack itself: so stacks never grow, and none is made for nothing. */
  async #overEarlier(diffId: DiffId, mounter: LayerMounter): Promise<readonly Lower[] | undefined> {
    for (const earlier of this.#earlierOf(diffId)) {
      if (!existsSync(this.#directory(earlier))) continue;
      this.#leases.hold(earlier); // nothing else may need it, and it will be mounted
      const below = await this.#lowerHere(earlier, mounter.dialect);
      if (below !== undefined) {
        const path = await this.#delta(diffId, earlier, mounter);
        return path === undefined ? undefined : [below, { kind: "directory", path }];
      }
    }
    return undefined;
  }

  /** The directory that over the earlier layer's makes this one; undefined where there can be none. */
  async #delta(diffId: DiffId, earlier: DiffId, mounter: LayerMounter): Promise<string | undefined> {
    const name = `delta.${mounter.dialect}.${hexOf(earlier)}`;
    const here = this.#directoryHere(diffId, mounter.dialect, name);
    if (here !== undefined) {
      return here;
    }
    const entries = layerDelta(await this.#index(earlier), await this.#index(diffId));
    if (entries === undefined) {
      return undefined;
    }
    await using _claim = await this.#claims.claim(`${name}:${hexOf(diffId)}`);
    if (this.#directoryHere(diffId, mounter.dialect, name) === undefined) {
      const { parts, size } = await this.tar(diffId);
      const index = this.#temporary.file();
      writeIndex(index, new LayerIndex(entries, { tarSize: size, composed: false }));
      await this.#unpackTo({ index, parts }, { diffId, name, unpack: (layer, target) => mounter.unpack(layer, target) });
    }
    return this.#directoryHere(diffId, mounter.dialect, name);
  }

  /** The layers whose directories or images lie below this one's small directories: whoever has this one mounted may have them too. */
  below(diffId: DiffId): readonly DiffId[] {
    try {
      return readdirSync(this.#directory(diffId)).flatMap((name) => /^delta\.[a-z]+\.([0-9a-f]{64})$/.exec(name)?.slice(1) ?? []).map((hex) => digestFromHex(hex) as DiffId);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") {
        return [];
      }
      throw error;
    }
  }

  /** The layers after which this one was composed, the last first. */
  #earlierOf(diffId: DiffId): readonly DiffId[] {
    try {
      return readFileSync(this.#file(diffId, "earlier"), "utf8").split("\n").flatMap((line) => (parseDigest(line) as DiffId | undefined) ?? []);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") {
        return [];
      }
      throw error;
    }
  }

  /** Reads the index of the layer over which one after `likely` will be mounted, in time that would pass without. */
  #readAhead(likely: DiffId): void {
    const below = [likely, ...this.#earlierOf(likely)].find((earlier) => ["erofs", "directory.trusted", "directory.user"].some((name) => existsSync(this.#file(earlier, name))));
    if (below !== undefined) this.#index(below).catch(() => undefined); // who needs it meets that again
  }

  /** What there is of a layer to mount, without making anything. */
  async #lowerHere(diffId: DiffId, dialect: Dialect): Promise<Lower | undefined> {
    const here = this.#directoryHere(diffId, dialect);
    if (here !== undefined) {
      return { kind: "directory", path: here };
    }
    return existsSync(this.#file(diffId, "erofs")) && dialect === "trusted" ? await this.#erofs(diffId) : undefined;
  }

  /** The layer's tar with an image over it; undefined for a layer that no image can say. */
  async #erofs(diffId: DiffId): Promise<ErofsLower | undefined> {
    const tar = await this.tar(diffId);
    const files = [...new Set(tar.parts.map(({ file }) => file))];
    const image = this.#file(diffId, "erofs");
    const devices = files.map((file) => ({ size: statSync(file).size }));
    if (!isErofsOf(image, devices)) {
      await using _claim = await this.#claims.claim(`erofs:${hexOf(diffId)}`);
      if (!isErofsOf(image, devices)) {
        rmSync(image, { force: true });
        const made = this.#temporary.file();
        const { entries } = await this.#index(diffId);
        const place = tar.parts.length === 1 ? undefined : placeIn(tar, files);
        const uuid = Buffer.from(hexOf(diffId).slice(0, 32), "hex");
        if (!writeErofs(made, { entries, devices, uuid, ...(place === undefined ? {} : { place }) })) {
          return undefined;
        }
        this.#place(diffId, { erofs: made });
      }
    }
    return { kind: "erofs", image, devices: files };
  }

  async #packGzip(diffId: DiffId, sinkFor?: SinkFor): Promise<Descriptor> {
    const tar = await this.tar(diffId);
    const target = this.#temporary.file();
    try {
      const { digest, size, blocks } = await packBlob(tar, { target, likely: [...this.#packedLikely(tar)], sink: sinkFor?.(tar.size) });
      this.#content.adopt(target, digest);
      const descriptor = { mediaType: mediaTypes.layerGzip, digest, size };
      await this.addBlob(diffId, descriptor);
      if (tar.size >= SHARE_FROM) {
        writeBlockTable(this.#file(diffId, "gzip.json"), { blob: digest, blocks }, this.#temporary.file());
      }
      return descriptor;
    } finally {
      rmSync(target, { force: true });
    }
  }

  /** The layers with a gzip made here that may share files with a tar. */
  *#packedLikely({ parts }: StoredTar): Generator<PackedLayer> {
    if (parts.every(({ file }) => statSync(file).nlink === 1)) return;
    for (const diffId of this.list()) {
      const table = readBlockTable(this.#file(diffId, "gzip.json"));
      const tar = table === undefined || !this.#content.has(table.blob) ? undefined : this.#storedTar(diffId);
      if (tar !== undefined) yield { parts: tar.parts, table: table!, gzip: this.#content.path(table!.blob) };
    }
  }

  #index(diffId: DiffId): Promise<LayerIndex> {
    let index = this.#indexes.get(diffId);
    if (index === undefined) {
      index = this.#readIndex(diffId);
      this.#indexes.set(diffId, index);
      index.catch(() => this.#indexes.delete(diffId));
    }
    return index;
  }

  async #readIndex(diffId: DiffId): Promise<LayerIndex> {
    const file = this.#file(diffId, "index");
    if (this.#readOnly && this.#storedTar(diffId) === undefined) return await this.#indexOfBlob(diffId);
    const tar = await this.tar(diffId); // its index comes with it
    try {
      return await readIndex(file);
    } catch (error) {
      if (!(error instanceof StoreFailure)) {
        throw error;
      }
      // Damaged, or of an earlier version: it is made again from the tar.
      const index = new LayerIndex(await indexOf(tar.read()), { tarSize: tar.size, composed: false });
      if (this.#readOnly) return index;
      const made = this.#temporary.file();
      writeIndex(made, index);
      renameSync(made, file);
      return index;
    }
  }

  /** What a layer's blob says, for one who may not unpack it into the store. */
  async #indexOfBlob(diffId: DiffId): Promise<LayerIndex> {
    const [blob] = this.#presentBlobs(diffId);
    if (blob === undefined) throw new StoreFailure("not-found", `read the layer ${diffId}: it is not in the store`);
    return new LayerIndex(await indexOf(decompressStream(this.#content.read(blob.digest)) as AsyncIterable<Buffer>));
  }

  /** A layer to share members with: one that we composed, whose tar is here and not in too many pieces. */
  async #earlier(diffId: DiffId): Promise<EarlierLayer | undefined> {
    const tar = this.#storedTar(diffId);
    if (tar === undefined || tar.size < SHARE_FROM || new Set(tar.parts.map(({ file }) => file)).size > MAX_PART_FILES) {
      return undefined;
    }
    const index = await this.#index(diffId);
    return index.composed ? { index, tar } : undefined;
  }

  /** The tar as it lies here, if it does; what a crash of the machine may have spoilt does not. */
  #storedTar(diffId: DiffId): StoredTar | undefined {
    if (this.#dropDoubtful(diffId)) return undefined;
    const whole = this.#file(diffId, "tar");
    const size = statSync(whole, { throwIfNoEntry: false })?.size;
    if (size !== undefined) {
      return new StoredTar([{ file: whole, offset: 0, length: size }]);
    }
    try {
      const parts = JSON.parse(readFileSync(this.#file(diffId, "tar.parts/list"), "utf8")) as TarPart[];
      return new StoredTar(parts.map((part) => ({ ...part, file: this.#file(diffId, `tar.parts/${part.file}`) })));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") {
        return undefined;
      }
      throw error;
    }
  }

  /** Takes away a layer whose tar may be spoilt, so that nothing that is made of it again is taken for what is there. Says whether there was one. */
  #dropDoubtful(diffId: DiffId): boolean {
    if (!this.#unsynced.isDoubtful(tarMark(diffId))) return false;
    if (!this.#readOnly) {
      this.detach(diffId);
      this.#unsynced.settle(tarMark(diffId));
    }
    return true;
  }

  /** The material of a composed tar: the new file, or a directory of it with links to the earlier ones and the list of the stretches. */
  #tarMaterial(made: string, { parts }: ComposedTar): { readonly [name: string]: string } {
    const own = path.join(made, "tar");
    const others = [...new Set(parts.flatMap(({ file }) => (file === undefined ? [] : [file])))];
    if (others.length === 0) {
      return { tar: own };
    }
    const directory = path.join(made, "tar.parts");
    mkdirSync(directory);
    renameSync(own, path.join(directory, "0"));
    // A link: the stretches stay when the layer that they came from goes.
    others.forEach((file, place) => linkOrCopy(Buffer.from(file, "latin1"), path.join(directory, `${place + 1}`)));
    const list = parts.map(({ file, offset, length }) => ({ file: `${file === undefined ? 0 : others.indexOf(file) + 1}`, offset, length }));
    writeFileAtomically(path.join(directory, "list"), JSON.stringify(list), this.#temporary.file());
    return { "tar.parts": directory };
  }

  #directoryHere(diffId: DiffId, dialect: Dialect, name: string = `directory.${dialect}`): string | undefined {
    const wrapped = this.#file(diffId, name);
    const mark = `${hexOf(diffId)}.${name}`;
    if (!existsSync(path.join(wrapped, "fs"))) {
      return undefined;
    }
    if (this.#unsynced.isDoubtful(mark)) {
      this.#setAside(wrapped);
      this.#unsynced.settle(mark);
      return undefined;
    }
    return path.join(wrapped, "fs");
  }

  /** A directory can be made again from the tar, so nobody waits for its files to be on the disk. */
  #placeDirectory(diffId: DiffId, name: string, wrapped: string): void {
    this.#unsynced.mark(`${hexOf(diffId)}.${name}`);
    this.#place(diffId, { [name]: wrapped });
  }

  /**
   * Places a tar with its index, and lets the sync go on meanwhile: `synced`, or one of each file here. Where the layer is
   * here already, made by a process that may not have lived to sync it, that one stays and is what has to be on the disk.
   */
  #placeUnsynced(diffId: DiffId, materials: Readonly<Record<string, string>>, synced: Promise<void> | undefined): void {
    this.#leases.hold(diffId);
    let placed = false;
    if (this.#storedTar(diffId) === undefined) {
      this.#unsynced.mark(tarMark(diffId));
      this.#place(diffId, materials);
      placed = Object.values(materials).every((from) => !existsSync(from)); // nobody came between
    }
    const sync = this.#synced(diffId, placed ? synced : undefined);
    sync.catch(() => undefined); // seen by settled()
    this.#syncs.set(diffId, sync);
  }

  /** What could not be brought to the disk may be read from memory for a while, and then be gone: it is not used again. */
  async #synced(diffId: DiffId, own: Promise<void> | undefined): Promise<void> {
    const files = [this.#file(diffId, "index"), ...new Set(this.#storedTar(diffId)?.parts.map(({ file }) => file))];
    try {
      await (own ?? Promise.all(files.map(syncFile)));
    } catch (error) {
      this.#unsynced.doubt(tarMark(diffId));
      throw storeWriteFailure(error);
    }
    this.#unsynced.settle(tarMark(diffId));
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

/** Not every file system has hard links, and none has them without end. */
function linkOrCopy(file: Buffer, target: string): void {
  try {
    linkSync(file, target);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS"].includes(errnoOf(error) ?? "")) {
      throw error;
    }
    copyFileSync(file, target);
  }
}

/** Where an image finds the contents of a tar that lies in several files. */
function placeIn(tar: StoredTar, devices: readonly string[]): NonNullable<ErofsSource["place"]> {
  return ({ offset }) => {
    if (offset === undefined) return undefined;
    const { file, offset: at } = tar.locate(offset);
    return { device: devices.indexOf(file), offset: at };
  };
}

function tarMark(diffId: DiffId): string {
  return `${hexOf(diffId)}.tar`;
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
