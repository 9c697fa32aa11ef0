import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mediaTypes, type Descriptor } from "../oci/descriptor.ts";
import { digestOf, hexOf } from "../oci/digest.ts";
import { BUSYBOX, BuildRig } from "../testing/builds.ts";
import { HERE, layerOf, RegistryContent } from "../testing/registry-content.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";

/* Caches in the shapes in which BuildKit 0.25 writes them (docker buildx build --cache-to). They are told to be that, and nothing is taken from them. */

const CONFIG = "application/vnd.buildkit.cacheconfig.v0";
const SAID = "this cache was written by BuildKit; its keys cannot be mapped to Laminate's";

/** What such a cache lists: its layers, and records of keys that name them. */
function listOf(layer: Descriptor): Buffer {
  return Buffer.from(JSON.stringify({ layers: [{ blob: layer.digest, parent: -1 }], records: [{ digest: digestOf(Buffer.from("a key")), layers: [{ layer: 0, createdAt: "2026-01-01T00:00:00Z" }] }] }));
}

describe.skipIf(BUSYBOX === undefined || !existsSync("/usr/bin/docker-registry"))("a cache that BuildKit wrote", () => {
  let registry: TestRegistry;
  let rig: BuildRig;
  beforeAll(async () => {
    [registry, rig] = await Promise.all([startRegistry(), Promise.resolve(new BuildRig())]);
    await rig.busybox();
  });
  afterAll(async () => {
    for (const each of [rig, registry]) await each[Symbol.asyncDispose]();
  });

  /** What a build says that looks there; its step runs. */
  async function said(from: string): Promise<string> {
    const { code, err } = await rig.build("--no-cache", "--cache-from", from, rig.context({ Dockerfile: "FROM busybox\nRUN echo 1\n" }));
    expect({ code, found: err.includes("found in the cache") }).toEqual({ code: 0, found: false });
    return err;
  }

  test("into a registry is told to be that, as a manifest and as an index", async () => {
    const content = new RegistryContent(registry.port, "buildkit/cache");
    const layer = await content.blob(mediaTypes.layerGzip, gzipSync("a tar"));
    const config = await content.blob(CONFIG, listOf(layer));
    await content.document(mediaTypes.manifest, { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }, "manifest");
    await content.index([layer, config], { tag: "index" });
    for (const tag of ["manifest", "index"]) {
      const name = `localhost:${registry.port}/buildkit/cache:${tag}`;
      expect(await said(name)).toContain(`--cache-from ${name} is left out: ${SAID}`);
    }
  });

  test("into an image's config is told to be that", async () => {
    const content = new RegistryContent(registry.port, "buildkit/image");
    const { mediaType, bytes, diffId } = await layerOf("", mediaTypes.layer);
    const config = { architecture: HERE, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [diffId] }, "moby.buildkit.cache.v0": Buffer.from("[]").toString("base64") };
    await content.document(mediaTypes.manifest, { schemaVersion: 2, mediaType: mediaTypes.manifest, config: await content.blob(mediaTypes.config, Buffer.from(JSON.stringify(config))), layers: [await content.blob(mediaType, bytes)] }, "1");
    expect(await said(`localhost:${registry.port}/buildkit/image:1`)).toContain(SAID);
  });

  test("into a directory is told to be that, as a manifest and as an index", async () => {
    for (const shape of ["manifest", "index"] as const) {
      const directory = path.join(rig.directory, `buildkit-${shape}`);
      const blobs = path.join(directory, "blobs/sha256");
      mkdirSync(blobs, { recursive: true });
      const blob = (mediaType: string, bytes: Buffer): Descriptor => {
        const digest = digestOf(bytes);
        writeFileSync(path.join(blobs, hexOf(digest)), bytes);
        return { mediaType, digest, size: bytes.length };
      };
      const layer = blob(mediaTypes.layerGzip, gzipSync("a tar"));
      const config = blob(CONFIG, listOf(layer));
      const document = { schemaVersion: 2, mediaType: mediaTypes[shape], ...(shape === "manifest" ? { config, layers: [layer] } : { manifests: [layer, config] }) };
      const root = blob(mediaTypes[shape], Buffer.from(JSON.stringify(document)));
      writeFileSync(path.join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
      writeFileSync(path.join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [{ ...root, annotations: { "org.opencontainers.image.ref.name": "latest" } }] }));
      expect(await said(`type=local,src=${directory}`)).toContain(SAID);
    }
  });
});
