import assert from "node:assert/strict";
import { createReadStream, closeSync, mkdirSync, mkdtempSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { BytePath } from "../../base/byte-path.ts";
import { mountErofs } from "../../sandbox/erofs.ts";
import { mountOverlay, type Overlay } from "../../sandbox/overlay.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { erofsImage, type ErofsSource } from "../../store/layers/erofs/erofs-image.ts";
import { indexOf } from "../../store/layers/ingest-tar.ts";
import { unpackLayer } from "../../store/layers/unpack.ts";
import { writeLayerTar } from "../../store/layer-tar.ts";
import { indexedTar } from "../indexed-tar.ts";
import { unmount } from "../../sys/mounts.ts";

/** An entry of a layer for tests, a file with its bytes. */
export interface Item {
  readonly entry: Entry;
  readonly bytes?: Buffer;
}

export function item(path: string, type: Entry["type"], more: Partial<Entry> & { readonly bytes?: Buffer | string } = {}): Item {
  const { bytes, ...rest } = more;
  const content = bytes === undefined ? undefined : Buffer.from(bytes);
  const entry: Entry = { path: path as BytePath, type, mode: type === "directory" ? 0o755 : 0o644, uid: 0, gid: 0, size: content?.length ?? 0, mtime: 1_700_000_000_123_456_789n, ...rest };
  return { entry, ...(content === undefined ? {} : { bytes: content }) };
}

/** Layers as tars, unpacked and mounted in place, below a directory and in the mount namespace of this process. */
export class ErofsRig {
  readonly #directory: string;
  readonly #mounts: string[] = [];
  #count = 0;

  constructor(directory: string) {
    this.#directory = mkdtempSync(join(directory, "rig-"));
  }

  fresh(kind: string): string {
    const path = join(this.#directory, `${kind}-${(this.#count += 1)}`);
    mkdirSync(path);
    return path;
  }

  async tar(items: readonly Item[]): Promise<string> {
    const tar = join(this.fresh("tar"), "tar");
    const file = openSync(tar, "wx");
    for await (const chunk of writeLayerTar(items.map(({ entry, bytes }) => ({ entry, ...(bytes === undefined ? {} : { content: () => [bytes] }) })))) {
      writeSync(file, chunk);
    }
    closeSync(file);
    return tar;
  }

  /** Mounts a tar in place. */
  async mountTar(tar: string): Promise<string> {
    return this.mount({ entries: await indexOf(createReadStream(tar)), devices: [{ size: statSync(tar).size }] }, [tar]);
  }

  mount(source: ErofsSource, devices: readonly string[]): string {
    const image = erofsImage(source);
    assert(image.kind === "image", JSON.stringify(image));
    const path = join(this.fresh("image"), "image");
    const file = openSync(path, "wx");
    const size = [...image.chunks()].reduce((sum, chunk) => sum + writeSync(file, chunk), 0);
    closeSync(file);
    assert.equal(size, image.size);
    const target = this.fresh("mounted");
    mountErofs({ image: path, devices }, target);
    this.#mounts.push(target);
    return target;
  }

  async unpack(tar: string): Promise<string> {
    const target = this.fresh("unpacked");
    await unpackLayer(await indexedTar(tar), target, { dialect: "trusted", owners: true });
    return target;
  }

  /** Mounts layers, lowest first, as one tree that can be written. */
  overlay(lowers: readonly string[]): Overlay {
    const overlay = mountOverlay({ lowers, directory: this.fresh("overlay"), dialect: "trusted" });
    this.#mounts.push(overlay.merged);
    return overlay;
  }

  /** Takes all mounts away. */
  unmountAll(): void {
    for (const target of this.#mounts.splice(0).reverse()) unmount(target);
  }
}
