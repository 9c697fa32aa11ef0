import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, tool } from "../testing/builds.ts";
import { CONTAINERS, ContainerRig } from "../testing/containers.ts";
import { TEST_UID } from "../testing/sandbox/as-user.ts";

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const FILES = { Dockerfile: "FROM scratch\nCOPY . /\n", ".dockerignore": "Dockerfile\n.dockerignore\n", a: { text: "a\n", mode: 0o750 }, "d/b": "b\n", "d/e/c": "c\n", link: { link: "/etc/passwd" } };
let places = 0;

function place(): string {
  places += 1;
  return path.join(rig.directory, `out-${places}`);
}

function listed(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true }).map(String).sort();
}

describe("--output DIRECTORY", () => {
  test("writes the files with their modes, times and links, and makes no image", async () => {
    const out = place();
    const context = rig.context(FILES);
    expect(await rig.ok(["build", "-q", "-o", out, context])).toBe("");
    expect(listed(out)).toEqual(["a", "d", "d/b", "d/e", "d/e/c", "link"]);
    expect(statSync(path.join(out, "a")).mode & 0o7777).toBe(0o750);
    expect(lstatSync(path.join(out, "d/b"), { bigint: true }).mtimeNs).toBe(lstatSync(path.join(context, "d/b"), { bigint: true }).mtimeNs);
    expect(readlinkSync(path.join(out, "link"))).toBe("/etc/passwd");
    expect(statSync(out).uid).toBe(process.getuid!());
    expect(await rig.ok(["images", "-aq", "--filter", "dangling=true"])).toBe("");
  });

  test("puts them among those that are there, in the place of what is in the way, and follows no link there", async () => {
    const [out, elsewhere] = [place(), place()];
    for (const directory of [path.join(out, "link"), elsewhere]) mkdirSync(directory, { recursive: true });
    for (const file of ["keep", "a", "link/x"]) writeFileSync(path.join(out, file), "old");
    symlinkSync(elsewhere, path.join(out, "d"));
    expect((await rig.build("-o", `type=local,dest=${out}`, rig.context(FILES))).code).toBe(0);
    expect(listed(out)).toEqual(["a", "d", "d/b", "d/e", "d/e/c", "keep", "link"]);
    expect(readFileSync(path.join(out, "a"), "utf8")).toBe("a\n");
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test.skipIf(BUSYBOX === undefined)("of a RUN: hard links stay, owners are ours, devices are root's to make", async () => {
    const made = "mkdir -p /o/d && echo a > /o/a && busybox ln /o/a /o/hard; chown 5:6 /o/a; chmod 4711 /o/a; busybox mkfifo /o/pipe; chmod 500 /o/d";
    const out = place();
    const { code, err } = await rig.build("-o", out, rig.context({ Dockerfile: `FROM busybox AS made\nRUN ${made}\nFROM scratch\nCOPY --from=made /o /\n` }));
    expect(err).toContain("exporting to client directory");
    expect(code).toBe(0);
    const [a, hard] = ["a", "hard"].map((name) => statSync(path.join(out, name)));
    expect(a).toMatchObject({ ino: hard!.ino, uid: process.getuid!(), nlink: 2 });
    expect(a!.mode & 0o7777).toBe(0o4711);
    expect(statSync(path.join(out, "pipe")).isFIFO()).toBe(true);
    expect(statSync(path.join(out, "d")).mode & 0o7777).toBe(0o500);
    const again = await rig.build("-o", out, rig.context({ Dockerfile: "FROM scratch\nCOPY f /d/f\n", f: "" }));
    expect({ code: again.code, there: existsSync(path.join(out, "d/f")) }).toEqual({ code: 0, there: true });
  });
});

test.skipIf(process.geteuid?.() !== 0 || !CONTAINERS)("an ordinary user gets the files of others as his own, and no devices, which is said", async () => {
  await using user = new ContainerRig("an ordinary user");
  await user.prepare();
  const [context, device] = [path.join(user.directory, "context"), path.join(rig.directory, "device")];
  for (const directory of [context, path.join(device, "dev")]) mkdirSync(directory, { recursive: true });
  tool("mknod", [path.join(device, "dev/null"), "c", "1", "3"]);
  tool("tar", ["-C", device, "-cf", path.join(context, "device.tar"), "dev"]);
  writeFileSync(path.join(context, "Dockerfile"), "FROM busybox AS made\nRUN --network=none echo a > /a; busybox chown web /a\nFROM scratch\nCOPY --from=made /a /\nADD device.tar /\n");
  const out = path.join(user.directory, "out");
  const { code, err } = await user.laminate("build", "--progress=plain", "-o", out, context);
  expect(err).toContain("NOTE: only root may make devices; left out: /dev/null");
  expect(code).toBe(0);
  expect(listed(out)).toEqual(["a", "dev"]);
  expect(statSync(path.join(out, "a")).uid).toBe(TEST_UID);
});

describe("--output type=", () => {
  test("tar writes owners too, to a file or standard output", async () => {
    const file = `${place()}.tar`;
    const context = rig.context({ ...FILES, Dockerfile: "FROM scratch\nCOPY --chown=5:6 . /\n" });
    expect((await rig.build("-o", `type=tar,dest=${file}`, context)).code).toBe(0);
    expect(tool("tar", ["--numeric-owner", "-tvf", file]).toString()).toMatch(/^-rwxr-x--- 5\/6 +2 .* a$/m);
    const { status, stdout } = spawnSync(path.join(import.meta.dirname, "../../bin/laminate"), ["build", "-q", "-o", "-", context], { env: { ...rig.env, LAMINATE_SOURCE: "1" } });
    expect({ status, same: stdout.equals(readFileSync(file)) }).toEqual({ status: 0, same: true });
  });

  test("oci and docker write archives that others read, under the build's names, and put no image into the store", async () => {
    const [oci, docker, layout] = [`${place()}.tar`, `${place()}.tar`, place()];
    const outputs = [`type=oci,dest=${oci}`, `"type=docker","dest=${docker}"`, `type=oci,tar=false,dest=${layout}`].flatMap((output) => ["-o", output]);
    const { code, err } = await rig.build("-t", "archived:1", ...outputs, rig.context(FILES));
    expect(err).not.toContain("writing image");
    expect(code).toBe(0);
    expect(JSON.parse(tool("tar", ["-xOf", docker, "manifest.json"]).toString())).toMatchObject([{ RepoTags: ["archived:1"] }]);
    const index = expect.objectContaining({ manifests: [expect.objectContaining({ annotations: expect.objectContaining({ "org.opencontainers.image.ref.name": "1" }) as object })] }) as object;
    expect(JSON.parse(tool("tar", ["-xOf", oci, "index.json"]).toString())).toEqual(index);
    expect(JSON.parse(readFileSync(path.join(layout, "index.json"), "utf8"))).toEqual(index);
    expect((await rig.run(["inspect", "archived:1"])).code).toBe(1);
    expect(await rig.ok(["load", "-i", oci])).toContain("archived:1");
  });

  test("docker and --load put an image into the store beside other outputs, and --metadata-file and --iidfile name it", async () => {
    const [out, id, metadata] = [place(), place(), place()];
    const { code } = await rig.build("-t", "loaded", "-t", "loaded:2", "-o", out, "--load", "--iidfile", id, "--metadata-file", metadata, rig.context(FILES));
    expect(code).toBe(0);
    const { Id } = (JSON.parse(await rig.ok(["inspect", "loaded:2"])) as [{ Id: string }])[0];
    expect(readFileSync(id, "utf8")).toBe(Id);
    expect(JSON.parse(readFileSync(metadata, "utf8"))).toEqual({ "containerimage.config.digest": Id, "containerimage.digest": Id, "image.name": "docker.io/library/loaded:latest,docker.io/library/loaded:2" });
    expect(existsSync(path.join(out, "a"))).toBe(true);
  });

  test("cacheonly leaves nothing but the cache", async () => {
    const context = rig.context({ ...FILES, only: "cache" });
    expect((await rig.build("-o", "type=cacheonly", context)).err).not.toContain("writing image");
    expect((await rig.build("-t", "after", context)).err).toMatch(/COPY \. \/\n#\d+ CACHED/);
  });
});

test.each([
  [["-o", "type=local"], "dest is required for local exporter"],
  [["-o", "type=lcal,dest=x"], "did you mean type=local?"],
  [["-o", "dest=x,tar=true"], "type is required for output"],
  [["-o", "type=oci,dest=x,compresion=gzip"], "did you mean compression?"],
  [["-o", "type=oci,dest=x,compression=lz4"], 'compression is one of uncompressed, gzip, zstd, not "lz4"'],
  [["-o", "type=tar,dest=no/such/x.tar"], "for x.tar"],
  [["-o", "type=tar,dest=."], "is a directory"],
  [["--push"], "tag is needed when pushing to registry"],
  [["-o", "out", "--iidfile", "id"], "local and tar exporters are incompatible with image ID file"],
  [["-o", "-", "-o", "type=oci"], "only one output can go to standard output"],
])("%j is refused before anything is built", async (args, expected) => {
  const { code, err } = await rig.run(["build", ...args, rig.context(FILES)]);
  expect(err).toContain(expected);
  expect(code).toBe(125);
});
