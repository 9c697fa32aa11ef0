import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mediaTypes } from "../oci/descriptor.ts";
import { ImageRig } from "../testing/images.ts";
import { HERE, layerOf, RegistryContent } from "../testing/registry-content.ts";
import { startRegistry, type TestRegistry } from "../testing/registry.ts";
import { served } from "../testing/served.ts";

const linux = (architecture: string, variant?: string) => ({ platform: { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) } });

describe.skipIf(!existsSync("/usr/bin/docker-registry"))("what registries hold", () => {
  let registry: TestRegistry;
  let content: RegistryContent;
  let rig: ImageRig;
  let name: string;

  beforeAll(async () => void (registry = await startRegistry()));
  afterAll(() => registry[Symbol.asyncDispose]());
  beforeEach(() => {
    rig = new ImageRig();
    const repository = `me/${Math.random().toString(36).slice(2)}`;
    content = new RegistryContent(registry.port, repository);
    name = `localhost:${registry.port}/${repository}`;
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const plain = (text: string, architecture = HERE, docker = false) => layerOf(text, docker ? mediaTypes.dockerLayerGzip : mediaTypes.layerGzip, gzipSync).then((layer) => content.image([layer], { architecture, docker }));
  const pulled = async (...flags: readonly string[]) => {
    await rig.ok(["pull", "-q", ...flags, `${name}:1`]);
    return await rig.ok(["inspect", "-f", "{{.Architecture}} {{index .RootFS.Layers 0}}", `${name}:1`]);
  };

  test.each([false, true])("an index (docker's media types: %s) gives this machine's image, with --platform another, and never an attestation", async (docker) => {
    const [own, other, attestation] = [await plain("own", HERE, docker), await plain("other", "s390x", docker), await plain("attestation", "unknown", docker)];
    const index = await content.index([{ ...attestation, platform: { os: "unknown", architecture: "unknown" } }, { ...other, ...linux("s390x") }, { ...own, ...linux(HERE) }], { docker, tag: "1" });
    const diffId = async (text: string) => (await layerOf(text, "")).diffId;
    expect(await pulled()).toBe(`${HERE} ${await diffId("own")}\n`);
    expect(await rig.ok(["inspect", "-f", "{{json .RepoDigests}}", `${name}:1`])).toBe(`["${name}@${index.digest}"]\n`);
    expect(await pulled("--platform", "linux/s390x")).toBe(`s390x ${await diffId("other")}\n`);
    expect(await rig.run(["pull", "--platform", "linux/riscv64", `${name}:1`])).toMatchObject({ code: 1, err: expect.stringMatching(new RegExp(`no matching manifest for linux/riscv64 .*\\nit is there for linux/s390x, linux/${HERE}: choose one with --platform`)) });
    expect(await rig.run(["pull", "--platform", "linux/vax", `${name}:1`])).toMatchObject({ err: expect.stringContaining("linux/vax") });
  });

  test("an index in an index is searched, and one without end is left", async () => {
    const inner = await content.index([{ ...(await plain("deep")), ...linux(HERE) }]);
    const middle = await content.index([{ ...(await plain("other", "s390x")), ...linux("s390x") }, inner]);
    await content.index([middle], { tag: "1" });
    expect(await pulled()).toContain(HERE);
    let deep = inner;
    for (let level = 0; level < 6; level += 1) deep = await content.index([deep]);
    await content.index([deep], { tag: "deep" });
    expect(await rig.run(["pull", `${name}:deep`])).toMatchObject({ code: 1, err: expect.stringContaining("deep") });
  });

  test("an image for another platform alone is pulled, with a warning", async () => {
    await content.image([await layerOf("x", mediaTypes.layerGzip, gzipSync)], { architecture: "s390x", tag: "1" });
    expect(await rig.run(["pull", `${name}:1`])).toMatchObject({ code: 0, err: expect.stringContaining(`WARNING: ${name}:1 is for linux/s390x, not for linux/${HERE}`) });
  });

  test.each([
    ["uncompressed", mediaTypes.layer, undefined],
    ["zstd", mediaTypes.layerZstd, (tar: Buffer) => zstdCompressSync(tar)],
    ["docker's gzip", mediaTypes.dockerLayerGzip, gzipSync],
    ["docker's uncompressed", mediaTypes.dockerLayer, undefined],
  ] as const)("%s layers and empty ones come as they are, and leave bit for bit the same", async (_what, mediaType, pack) => {
    const docker = mediaType.includes("docker");
    const layers = [await layerOf("text", mediaType, pack), await layerOf("", mediaType, pack), await layerOf("text", mediaType, pack)];
    const { digest } = await content.image(layers, { docker, tag: "1" });
    await rig.ok(["pull", `${name}:1`]);
    await rig.ok(["tag", `${name}:1`, `${name}:2`]);
    expect(await rig.ok(["push", `${name}:2`])).toContain(`2: digest: ${digest} size: `);
    expect(await content.read("2")).toEqual(await content.read(digest));
    expect(await rig.ok(["inspect", "-f", "{{json .RepoDigests}}", `${name}:2`])).toBe(`["${name}@${digest}"]\n`);
    expect(await rig.ok(["history", "-q", `${name}:1`])).not.toBe("");
  });

  test("what is built on an image with docker's media types leaves with OCI's alone", async () => {
    await content.image([await layerOf("base", mediaTypes.dockerLayerGzip, gzipSync)], { docker: true, tag: "1" });
    writeFileSync(path.join(rig.directory, "Dockerfile"), `FROM ${name}:1\nCOPY Dockerfile /\n`);
    await rig.ok(["build", "-q", "-t", `${name}:2`, rig.directory]);
    await rig.ok(["push", `${name}:2`]);
    const { mediaType, layers } = JSON.parse((await content.read("2")).toString()) as { readonly mediaType: string; readonly layers: readonly { readonly mediaType: string }[] };
    expect([mediaType, ...layers.map((layer) => layer.mediaType)]).toEqual([mediaTypes.manifest, mediaTypes.layerGzip, mediaTypes.layerGzip]);
  });

  test("a foreign layer that the registry lacks is named, with where it is said to be; schema 1 is refused", async () => {
    const type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    const foreign = { ...(await layerOf("x", type, gzipSync)), urls: ["https://elsewhere.example/layer"], there: false };
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config: await content.blob(mediaTypes.dockerConfig, Buffer.from(JSON.stringify({ architecture: HERE, os: "linux", rootfs: { type: "layers", diff_ids: [foreign.diffId] } }))), layers: [{ mediaType: type, digest: foreign.diffId, size: 10, urls: foreign.urls }] };
    await using server = await served(async (request, response) => {
      const asked = await fetch(`http://127.0.0.1:${registry.port}${request.url}`);
      if (request.url!.includes("/manifests/foreign")) return response.writeHead(200, { "content-type": mediaTypes.dockerManifest }).end(JSON.stringify(manifest));
      if (request.url!.includes("/manifests/")) return response.writeHead(200, { "content-type": "application/vnd.docker.distribution.manifest.v1+prettyjws" }).end('{"schemaVersion":1}');
      response.writeHead(asked.status, Object.fromEntries(asked.headers)).end(Buffer.from(await asked.arrayBuffer()));
    });
    const repository = `localhost:${server.port}/${name.replace(/^[^/]*\//, "")}`;
    expect(await rig.run(["pull", `${repository}:foreign`])).toMatchObject({ code: 1, err: expect.stringMatching(/foreign layer, which this registry does not have; it is said to be at https:\/\/elsewhere.example\/layer/) });
    expect(await rig.run(["pull", `${repository}:old`])).toMatchObject({ code: 1, err: expect.stringContaining("schema 1") });
    expect(await rig.ok(["images", "-q"])).toBe("");
  });

  test("a built image has the registry's digest once it was pushed, and the same when it is pulled", async () => {
    await rig.image(`${name}:1`, { "etc/motd": "local" });
    const digests = (image: string) => rig.ok(["inspect", "-f", "{{json .RepoDigests}}", image]);
    expect(await digests(`${name}:1`)).toBe("[]\n");
    const digest = /digest: (sha256:\S+)/.exec(await rig.ok(["push", `${name}:1`]))![1]!;
    expect(await digests(`${name}:1`)).toBe(`["${name}@${digest}"]\n`);
    await rig.ok(["tag", `${name}:1`, "other:1"]);
    expect(await rig.ok(["images", "--digests", "--format", "{{.Repository}} {{.Digest}}"])).toBe(`${name} ${digest}\nother <none>\n`);
    expect(await rig.ok(["inspect", "-f", "{{.Id}}", `${name}@${digest}`])).toBe(await rig.ok(["inspect", "-f", "{{.Id}}", "other:1"]));
    expect(await rig.ok(["rmi", `${name}:1`])).toBe(`Untagged: ${name}:1\nUntagged: ${name}@${digest}\n`);
    expect(await digests("other:1")).toBe("[]\n");
    await rig.ok(["rmi", "other:1"]);
    expect(await rig.ok(["pull", `${name}@${digest}`])).toContain(`Digest: ${digest}\n`);
    expect(await rig.ok(["images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}"])).toBe(`${name} <none> ${digest}\n`);
    expect(await rig.ok(["rmi", `${name}@${digest}`])).toContain(`Untagged: ${name}@${digest}\nDeleted: `);
  });
});
