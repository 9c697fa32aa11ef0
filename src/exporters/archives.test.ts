import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { writeTar, type TarSource } from "../archive/write-tar.ts";
import { ImageRig, member, rootfs } from "../testing/images.ts";

const run = promisify(execFile);
const rigs: ImageRig[] = [];
afterAll(() => rigs.forEach((rig) => void rig[Symbol.asyncDispose]()));

function newRig(): ImageRig {
  const rig = new ImageRig();
  rigs.push(rig);
  return rig;
}

async function bytesOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const FORMATS = [
  ["docker-archive", "none"],
  ["docker-archive", "gzip"],
  ["oci-archive", "gzip"],
  ["oci-archive", "zstd"],
  ["oci-dir", "gzip"],
] as const;

describe.each(FORMATS)("save as %s with %s layers", (format, compression) => {
  it("is read by skopeo, and loaded again as the same image", async () => {
    const rig = newRig();
    const id = await rig.image("me/app:1", { "a/b": "text\n", c: "x".repeat(100_000) }, ["CMD top"]);
    await rig.ok(["tag", "me/app:1", "me/app:2"]);
    const file = path.join(rig.directory, "out");
    await rig.ok(["save", "--format", format, "--compression", compression, "-o", "out", "me/app"]);
    const source = { "docker-archive": `docker-archive:${file}:docker.io/me/app:1`, "oci-archive": `oci-archive:${file}:1`, "oci-dir": `oci:${file}:1` }[format];
    const { stdout } = await run("skopeo", ["inspect", "--config", source]);
    expect(JSON.parse(stdout)).toMatchObject({ config: { Cmd: ["/bin/sh", "-c", "top"] } });
    await run("skopeo", ["copy", "-q", source, `dir:${file}.copy`]);

    const other = newRig();
    expect(await other.ok(["load", "-i", file])).toBe("Loaded image: me/app:1\nLoaded image: me/app:2\n");
    expect(await other.ok(["images", "-q", "--no-trunc"])).toBe(`${id}\n`);
    await other.ok(["save", "-o", "again.tar", "--format", "docker-archive", "me/app:1"]);
    expect(existsSync(path.join(other.directory, "again.tar"))).toBe(true);
  });
});

describe("save", () => {
  it("gives the same bytes each time, a subset of names, and none for an ID", async () => {
    const rig = newRig();
    const id = await rig.image("app:1");
    await rig.ok(["tag", "app:1", "app:2"]);
    await rig.ok(["save", "-o", "a", "app:1"]);
    await rig.ok(["save", "-o", "b", "app:1"]);
    await rig.ok(["save", "-o", "c", id]);
    const read = (name: string): Buffer => readFileSync(path.join(rig.directory, name));
    expect(sha256(read("a"))).toBe(sha256(read("b")));
    const other = newRig();
    expect(await other.ok(["load", "-i", path.join(rig.directory, "c")])).toBe(`Loaded image ID: ${id}\n`);
    expect(await other.ok(["load"], [gzipSync(read("a"))])).toBe("Loaded image: app:1\n");
  });

  it("adds to an OCI layout, which umoci unpacks", async () => {
    const rig = newRig();
    await rig.image("one:1", { "etc/one": "1\n" });
    await rig.image("two:2", { "etc/two": "2\n" });
    await rig.ok(["save", "--format", "oci-dir", "-o", "layout", "one:1"]);
    await rig.ok(["save", "--format", "oci-dir", "-o", "layout", "two:2"]);
    const layout = path.join(rig.directory, "layout");
    await run("umoci", ["unpack", "--rootless", "--image", `${layout}:1`, path.join(rig.directory, "bundle")]);
    expect(readFileSync(path.join(rig.directory, "bundle/rootfs/etc/one"), "utf8")).toBe("1\n");
    expect((await run("umoci", ["ls", "--layout", layout])).stdout).toBe("1\n2\n");
    writeFileSync(path.join(rig.directory, "file"), "");
    expect(await rig.run(["save", "--format", "oci-dir", "-o", ".", "one:1"])).toMatchObject({ code: 1, err: expect.stringContaining("no OCI image layout") as unknown });
  });

  it("says what is missing", async () => {
    const rig = newRig();
    expect(await rig.run(["save", "-o", "x", "nope"])).toMatchObject({ code: 1, err: expect.stringContaining("No such image: nope") as unknown });
    expect(await rig.run(["save", "--format", "tar", "nope"])).toMatchObject({ code: 125 });
    expect(existsSync(path.join(rig.directory, "x"))).toBe(false);
  });
});

function put(target: Record<string, unknown>, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) target[first] = value;
  else put(target[first] as Record<string, unknown>, rest, value);
}

/** A docker archive as docker before 25 wrote it, with what a test wants wrong in it. */
async function oldArchive(change: { readonly diffId?: string; readonly layers?: readonly string[]; readonly link?: boolean; readonly name?: string; readonly layer?: Buffer; readonly config?: readonly [string, unknown] } = {}): Promise<Buffer> {
  const layer = change.layer ?? (await bytesOf(rootfs({ "etc/motd": "old\n" })));
  const diffId = change.diffId ?? `sha256:${sha256(layer)}`;
  const image: Record<string, unknown> = { architecture: "amd64", os: "linux", config: { Cmd: ["sh"] }, rootfs: { type: "layers", diff_ids: [diffId] }, history: [{ created_by: "old" }] };
  if (change.config !== undefined) put(image, change.config[0].split("."), change.config[1]);
  const config = JSON.stringify(image);
  const link: TarSource = { header: { ...member("linked/layer.tar").header, type: "symlink", link: "../abc/layer.tar" } };
  const manifest = JSON.stringify([{ Config: "config.json", RepoTags: [change.name ?? "old:1"], Layers: change.layers ?? [change.link === true ? "linked/layer.tar" : "abc/layer.tar"] }]);
  return await bytesOf(writeTar([member("abc"), member("abc/VERSION", "1.0"), member("abc/layer.tar", layer), member("config.json", config), link, member("manifest.json", manifest)]));
}

/** An OCI archive of one image whose blobs a test may replace. */
async function ociArchive(change: { readonly blob?: Buffer; readonly size?: number; readonly mediaType?: string } = {}): Promise<Buffer> {
  const tar = await bytesOf(rootfs({ "etc/motd": "oci\n" }));
  const layer = gzipSync(tar);
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [`sha256:${sha256(tar)}`] } }));
  const descriptor = (mediaType: string, bytes: Buffer, size = bytes.length) => ({ mediaType, digest: `sha256:${sha256(bytes)}`, size });
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, config: descriptor("application/vnd.oci.image.config.v1+json", config, change.size), layers: [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)] }));
  const index = JSON.stringify({ schemaVersion: 2, manifests: [{ ...descriptor(change.mediaType ?? "application/vnd.oci.image.manifest.v1+json", manifest), annotations: { "org.opencontainers.image.ref.name": "oci:1" } }] });
  const blob = (bytes: Buffer, content = bytes) => member(`blobs/sha256/${sha256(bytes)}`, content);
  return await bytesOf(writeTar([member("oci-layout", '{"imageLayoutVersion":"1.0.0"}'), member("index.json", index), blob(manifest), blob(config), blob(layer, change.blob)]));
}

describe("load", () => {
  it("reads what docker before 25 wrote, with linked layers", async () => {
    const rig = newRig();
    expect(await rig.ok(["load"], [await oldArchive()])).toBe("Loaded image: old:1\n");
    expect(await rig.ok(["load"], [await oldArchive({ link: true, name: "old:2" })])).toBe("Loaded image: old:2\n");
    expect(await rig.ok(["load"], [await ociArchive()])).toBe("Loaded image: oci:1\n");
    // As docker: only a registry's digests are shown.
    expect(await rig.ok(["images", "--digests", "--format", "{{.Digest}}", "oci"])).toBe("<none>\n");
  });

  const OTHER = `sha256:${"0".repeat(64)}`;
  it.each<[string, () => Promise<Buffer>, string]>([
    ["a layer that is not the one of the config", () => oldArchive({ diffId: OTHER }), "but the image's config says sha256:0000"],
    ["a layer that is missing", () => oldArchive({ layers: ["nope/layer.tar"] }), "lacks the layer nope/layer.tar"],
    ["too many layers", () => oldArchive({ layers: ["abc/layer.tar", "abc/layer.tar"] }), "has 1 layers, its manifest 2"],
    ["a digest that is none", () => oldArchive({ diffId: "sha256:../../etc" }), "no sha256 digest"],
    ["a name that is none", () => oldArchive({ name: "Old Name" }), "invalid reference"],
    ["a layer that climbs out", async () => oldArchive({ layer: await bytesOf(writeTar([member("../../etc/passwd", "x")])) }), 'read "abc/layer.tar"'],
    ["a blob that is not what its name says", () => ociArchive({ blob: Buffer.from("other") }), 'read "blobs/sha256/'],
    ["a blob with another size", () => ociArchive({ size: 3 }), "is said to have 3"],
    ["no image", () => ociArchive({ mediaType: "text/plain" }), "lists no image"],
    ["a root file system", () => bytesOf(rootfs({ "etc/motd": "x" })), "laminate import"],
    ["no tar", async () => Buffer.alloc(4096, "no tar "), "tar"],
    ["half an archive", async () => (await oldArchive()).subarray(0, 3000), "tar"],
  ])("refuses %s", async (_, archive, why) => {
    const rig = newRig();
    const { code, err } = await rig.run(["load"], [await archive()]);
    expect(err).toContain(why);
    expect(code).toBe(1);
    expect(await rig.ok(["images", "-q"])).toBe("");
  });
});

describe("load of an image whose JSON says anything", () => {
  it("fails as an expected failure, or the image can be listed and inspected", async () => {
    const rig = newRig();
    const odd = fc.oneof(fc.constant(null), fc.constant(""), fc.constant(-1), fc.constant([]), fc.constant({}), fc.constant([{}]), fc.constant(["A"]), fc.jsonValue());
    const keys = ["architecture", "os", "created", "author", "config", "rootfs", "history", "config.Env", "config.Cmd", "config.Labels", "config.ExposedPorts", "config.User", "rootfs.diff_ids", "history.0"];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), odd, async (key, value) => {
        const { code, err } = await rig.run(["load"], [await oldArchive({ config: [key, value] })]);
        expect(err).not.toContain("mistake in Laminate");
        if (code !== 0) return;
        await rig.ok(["history", "old:1"]);
        await rig.ok(["images", "old:1"]);
        await rig.ok(["inspect", "old:1"]);
      }),
      { numRuns: Number(process.env["LAMINATE_FUZZ_RUNS"] ?? 100) },
    );
  });
});

describe("load of a damaged archive", () => {
  it("fails as an expected failure or loads what was not damaged", async () => {
    const rig = newRig();
    const whole = [await oldArchive(), await ociArchive()];
    await fc.assert(
      fc.asyncProperty(fc.nat(1), fc.array(fc.tuple(fc.nat(1 << 20), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(1 << 20), async (which, changes, cut) => {
        const bytes = Buffer.from(whole[which]!);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const { code, err } = await rig.run(["load"], [cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes]);
        expect(err).not.toContain("mistake in Laminate");
        expect(code === 0 || code === 1).toBe(true);
      }),
      { numRuns: Number(process.env["LAMINATE_FUZZ_RUNS"] ?? 150) },
    );
  });
});
