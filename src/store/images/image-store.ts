import { nearestHint } from "../../base/nearest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { isDigest, type Digest } from "../../oci/digest.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import type { Manifest } from "../../oci/manifest.ts";
import { canonicalReference, familiarReference, InvalidReference, parseReference } from "../../oci/reference.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Database } from "../database.ts";
import type { LayerStore } from "../layers/layer-store.ts";
import { StoreFailure } from "../store-error.ts";

/** An image: a manifest in the content store under any number of names. */
export interface ImageRecord {
  /** The digest of the config: Docker's image ID. */
  readonly id: Digest;
  readonly manifest: Descriptor;
  /** As canonicalReference writes them, sorted. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch, from the config; when it came into the store where that says nothing. */
  readonly created: number;
}

const MAX_JSON = 16 << 20;
const PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/;

export class ImageStore {
  readonly #database: Database;
  readonly #content: ContentStore;
  readonly #layers: Pick<LayerStore, "has">;

  constructor(database: Database, content: ContentStore, layers: Pick<LayerStore, "has">) {
    this.#layers = layers;
    this.#database = database;
    this.#content = content;
  }

  /** The image of a canonical name. */
  get(name: string): ImageRecord | undefined {
    const row = this.#database.get("SELECT id FROM names WHERE name = ?", name);
    return row === undefined ? undefined : this.#record(row["id"] as Digest);
  }

  /** The image whose config has this digest. */
  withId(id: Digest): ImageRecord | undefined {
    return this.#record(id);
  }

  /** The image that a user means: by name, ID, or the beginning of an ID. Throws StoreFailure in Docker's words. */
  find(query: string): ImageRecord {
    const found = this.#byName(query) ?? this.#byId(query);
    if (found === undefined) {
      throw new StoreFailure("no-such-image", `No such image: ${query}`, nearestHint(query, this.namesLike(query)));
    }
    return found;
  }

  /** The names of all images in the form in which a user wrote `query`: without `:latest` where that has no tag. */
  namesLike(query: string): readonly string[] {
    const names = this.#database.all("SELECT name FROM names ORDER BY name").map((row) => familiarReference(parseReference(row["name"] as string)));
    return /:[^/]*$/.test(query) ? names : names.map((name) => name.replace(/:latest$/, ""));
  }

  /** All images, the newest first. */
  list(): ImageRecord[] {
    const rows = this.#database.all("SELECT id, manifest, created FROM images ORDER BY created DESC, id");
    return rows.map((row) => this.#fromRow(row));
  }

  /**
   * Adds an image, or names to one; a name that another image had moves. Writes nothing that is so already. Throws
   * StoreFailure `collected` when a part of it went meanwhile: what a lease holds does not.
   */
  async put(manifest: Descriptor, names: readonly string[]): Promise<ImageRecord> {
    const parsed = JSON.parse((await this.#content.readAll(manifest.digest, MAX_JSON)).toString("utf8")) as Manifest;
    const { digest: id } = parsed.config;
    const known = this.#record(id);
    if (known !== undefined && known.manifest.digest === manifest.digest && names.every((name) => known.names.includes(name))) {
      return known;
    }
    const { created, rootfs } = await this.#readConfig(id);
    const time = created === undefined ? Date.now() : Date.parse(created);
    this.#database.transaction(() => {
      const gone = [manifest.digest, id].find((digest) => !this.#content.has(digest)) ?? rootfs.diff_ids.find((diffId) => !this.#layers.has(diffId));
      if (gone !== undefined) {
        throw new StoreFailure("collected", `put the image ${id}: its part ${gone} was removed meanwhile`, { hint: "another command has pruned the store; do it again" });
      }
      this.#database.run(
        "INSERT INTO images (id, manifest, created) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest",
        id,
        JSON.stringify(manifest),
        Number.isFinite(time) ? time : Date.now(),
      );
      for (const name of names) {
        this.#database.run("INSERT OR REPLACE INTO names (name, id) VALUES (?, ?)", name, id);
      }
    });
    return this.#record(id)!;
  }

  /** Takes a name from its image and gives the image as it then is; undefined when there is no such name. */
  untag(name: string): ImageRecord | undefined {
    const record = this.get(name);
    if (record === undefined) {
      return undefined;
    }
    this.#database.run("DELETE FROM names WHERE name = ?", name);
    return this.#record(record.id);
  }

  /** Forgets an image and all its names; its blobs and layers stay. */
  remove(id: Digest): void {
    this.#database.run("DELETE FROM images WHERE id = ?", id);
  }

  config(record: ImageRecord): Promise<ImageConfig> {
    return this.#readConfig(record.id);
  }

  async manifest(record: ImageRecord): Promise<Manifest> {
    return JSON.parse((await this.#content.readAll(record.manifest.digest, MAX_JSON)).toString("utf8")) as Manifest;
  }

  async #readConfig(id: Digest): Promise<ImageConfig> {
    return JSON.parse((await this.#content.readAll(id, MAX_JSON)).toString("utf8")) as ImageConfig;
  }

  #byName(query: string): ImageRecord | undefined {
    try {
      const reference = parseReference(query);
      const exact = this.get(canonicalReference(reference));
      if (exact !== undefined || reference.digest === undefined) {
        return exact;
      }
      return this.list().find(({ manifest, id }) => manifest.digest === reference.digest || id === reference.digest);
    } catch (error) {
      if (error instanceof InvalidReference) {
        return undefined;
      }
      throw error;
    }
  }

  #byId(query: string): ImageRecord | undefined {
    const prefix = PREFIX.exec(query)?.[1];
    if (prefix === undefined) {
      return undefined;
    }
    const rows = this.#database.all("SELECT id FROM images WHERE substr(id, 1, ?) = ? LIMIT 2", prefix.length + 7, `sha256:${prefix}`);
    if (rows.length > 1) {
      throw new StoreFailure("ambiguous-id", `several images have an ID that begins with ${JSON.stringify(query)}`, { hint: "give more of its digits" });
    }
    const id = rows[0]?.["id"];
    return isDigest(id) ? this.#record(id) : undefined;
  }

  #record(id: Digest): ImageRecord | undefined {
    const row = this.#database.get("SELECT id, manifest, created FROM images WHERE id = ?", id);
    return row === undefined ? undefined : this.#fromRow(row);
  }

  #fromRow(row: Record<string, unknown>): ImageRecord {
    const id = row["id"] as Digest;
    const names = this.#database.all("SELECT name FROM names WHERE id = ? ORDER BY name", id).map(({ name }) => name as string);
    return { id, manifest: JSON.parse(row["manifest"] as string) as Descriptor, names, created: row["created"] as number };
  }
}
