import { createHash } from "node:crypto";
import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { rootfs } from "./images.ts";

/** A layer as a test wants it: what it is said to be, and its bytes. */
export interface PlacedLayer {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly diffId: string;
  readonly urls?: readonly string[];
  /** False leaves the blob away. */
  readonly there?: boolean;
}

/** Puts what a test makes up into a real registry, request by request, as no tool would. */
export class RegistryContent {
  readonly #base: string;

  constructor(port: number, repository: string) {
    this.#base = `http://127.0.0.1:${port}/v2/${repository}`;
  }

  async blob(mediaType: string, bytes: Buffer): Promise<Descriptor> {
    const digest = digestOf(bytes);
    const opened = await fetch(`${this.#base}/blobs/uploads/`, { method: "POST" });
    const place = new URL(opened.headers.get("location")!, this.#base);
    place.searchParams.set("digest", digest);
    await expectOk(await fetch(place, { method: "PUT", body: new Uint8Array(bytes), headers: { "content-type": "application/octet-stream" } }));
    return { mediaType, digest, size: bytes.length };
  }

  /** Puts a document under a tag, or under its digest alone. */
  async document(mediaType: string, document: object, tag?: string): Promise<Descriptor> {
    const bytes = Buffer.from(JSON.stringify(document, undefined, 3));
    const digest = digestOf(bytes);
    await expectOk(await fetch(`${this.#base}/manifests/${tag ?? digest}`, { method: "PUT", body: bytes, headers: { "content-type": mediaType } }));
    return { mediaType, digest, size: bytes.length };
  }

  /** An image; in docker's media types with `docker`. */
  async image(layers: readonly PlacedLayer[], options: { readonly docker?: boolean; readonly tag?: string; readonly architecture?: string } = {}): Promise<Descriptor> {
    const docker = options.docker === true;
    const config = Buffer.from(JSON.stringify({ architecture: options.architecture ?? HERE, os: "linux", config: { Cmd: ["true"] }, rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) } }));
    const placed = [];
    for (const { mediaType, bytes, urls, there } of layers) {
      const descriptor = there === false ? { mediaType, digest: digestOf(bytes), size: bytes.length } : await this.blob(mediaType, bytes);
      placed.push({ ...descriptor, ...(urls === undefined ? {} : { urls }) });
    }
    const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.manifest;
    return await this.document(mediaType, { schemaVersion: 2, mediaType, config: await this.blob(docker ? mediaTypes.dockerConfig : mediaTypes.config, config), layers: placed }, options.tag);
  }

  /** An index of what `entries` say. */
  async index(entries: readonly (Descriptor & { readonly platform?: Descriptor["platform"] })[], options: { readonly docker?: boolean; readonly tag?: string } = {}): Promise<Descriptor> {
    const mediaType = options.docker === true ? mediaTypes.dockerManifestList : mediaTypes.index;
    return await this.document(mediaType, { schemaVersion: 2, mediaType, manifests: entries }, options.tag);
  }

  /** The document of a tag or digest, byte for byte. */
  async read(tagOrDigest: string): Promise<Buffer> {
    const response = await fetch(`${this.#base}/manifests/${tagOrDigest}`, { headers: { accept: Object.values(mediaTypes).join(", ") } });
    return Buffer.from(await response.arrayBuffer());
  }
}

/** Go's name of this machine's architecture. */
export const HERE = process.arch === "x64" ? "amd64" : process.arch;

/** A layer with one file, packed as asked. */
export async function layerOf(text: string, mediaType: string, pack: (tar: Buffer) => Buffer = (tar) => tar): Promise<PlacedLayer> {
  const chunks: Buffer[] = [];
  for await (const chunk of rootfs(text === "" ? {} : { "etc/motd": text })) chunks.push(chunk);
  const tar = Buffer.concat(chunks);
  return { mediaType, bytes: pack(tar), diffId: digestOf(tar) };
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}
