import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, tool } from "../testing/builds.ts";

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const isRoot = process.geteuid?.() === 0;
/** Where a step can have a cgroup with limits: as root, in hierarchies that can be written. */
const MEMORY = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].find((directory) => existsSync(path.join(directory, "cgroup.procs")));

/** Without a cache, as what a flag bounds is in no key. */
async function out(command: string, ...args: readonly string[]): Promise<string> {
  return (await rig.built("bound", { Dockerfile: `FROM busybox\nRUN ${command}\n` }, "--no-cache", ...args)).text("out");
}

describe.skipIf(BUSYBOX === undefined)("what a RUN may take:", () => {
  test("--ulimit, --shm-size", async () => {
    expect(await out("(ulimit -n; ulimit -Hn; ulimit -c; busybox df -k /dev/shm | busybox awk 'END { print $2 }') > /out", "--ulimit", "nofile=100:200", "--ulimit", "core=0", "--shm-size", "128m")).toBe("100\n200\n0\n131072\n");
  });

  test.skipIf(!isRoot || MEMORY === undefined)("--memory and --cgroup-parent, and nothing is left of the step's cgroup", async () => {
    const parent = `laminate-flags-${process.pid}`;
    const run = (command: string, ...args: readonly string[]) => rig.build("--no-cache", ...args, rig.context({ Dockerfile: `FROM busybox\nRUN ${command}\n` }));
    expect((await run("busybox tail /dev/zero", "-m", "8m")).err).toContain("exit code: 137");
    expect((await run("grep -o '[^/]*/laminate-build.*' /proc/self/cgroup", "--cgroup-parent", parent)).err).toMatch(new RegExp(`${parent}/laminate-build-${process.pid}-`));
    // Others' cgroups come and go meanwhile; a number that only begins as ours is theirs.
    const left = tool("find", ["/sys/fs/cgroup", "-ignore_readdir_race", "-maxdepth", "3", "(", "-name", parent, "-o", "-name", `laminate-build-${process.pid}-*`, ")"]).toString().trim().split("\n");
    for (const directory of left) tool("rmdir", [directory]);
    expect(left.every((directory) => path.basename(directory) === parent)).toBe(true);
  });

  test("BUILDKIT_SANDBOX_HOSTNAME, and BUILDKIT_CACHE_MOUNT_NS for cache mounts of one's own", async () => {
    expect(await out("busybox hostname > /out", "--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=box")).toBe("box\n");
    const mount = "--mount=type=cache,target=/c ls /c > /out; touch /c/seen";
    expect(await out(mount)).toBe("");
    expect(await out(mount)).toBe("seen\n");
    expect(await out(mount, "--build-arg", "BUILDKIT_CACHE_MOUNT_NS=mine")).toBe("");
  });
});

test("--no-cache-filter runs the steps of one stage again, also of one without a name; a name that no stage has is said", async () => {
  const directory = rig.context({ Dockerfile: "FROM scratch AS One\nCOPY a /a\nFROM scratch\nCOPY --from=one a /b\n", a: "" });
  const ran = async (...args: readonly string[]) => {
    const { err } = await rig.build(...args, directory);
    return { again: err.match(/runs again: asked for with --no-cache-filter/g)?.length ?? 0, cached: err.match(/CACHED/g)?.length ?? 0, err };
  };
  await ran();
  expect(await ran("--no-cache-filter", "ONE")).toMatchObject({ again: 1, cached: 1 });
  expect(await ran("--no-cache-filter", "x,stage-1")).toMatchObject({ again: 1, cached: 1, err: expect.stringContaining('WARNING: --no-cache-filter: there is no stage "x"') as string });
  expect((await ran("--no-cache-filter", "on")).err).toContain("did you mean one?");
});

describe("SOURCE_DATE_EPOCH", () => {
  const EPOCH = "1000000000";
  const DATE = "2001-09-09T01:46:40Z";
  const Dockerfile = "FROM scratch\nARG SOURCE_DATE_EPOCH\nWORKDIR /w/x\nCOPY f /c/d/f\nLABEL at=$SOURCE_DATE_EPOCH\n";

  test("is the date of the image, of its own lines and of the directories that steps make; our environment's counts", async () => {
    const image = await rig.built("dated", { Dockerfile, f: "" }, "--build-arg", `SOURCE_DATE_EPOCH=${EPOCH}`);
    expect(image.config).toMatchObject({ created: DATE, config: { Labels: { at: EPOCH } } });
    expect(image.config.history!.map(({ created }) => created)).toEqual([DATE, DATE, DATE, DATE]);
    rig.env["SOURCE_DATE_EPOCH"] = EPOCH;
    expect((await rig.built("dated", { Dockerfile, f: "", g: "" })).config.created).toBe(DATE);
    expect((await rig.built("dated", { Dockerfile, f: "" }, "--build-arg", "SOURCE_DATE_EPOCH=1")).config.created).toBe("1970-01-01T00:00:01Z");
    delete rig.env["SOURCE_DATE_EPOCH"];
  });

  test("with rewrite-timestamp is the latest time in the layers, so that the image is the same whenever it is made", async () => {
    const made = async (epoch: string) => {
      const file = path.join(rig.directory, "rewritten.tar");
      const id = await rig.ok(["build", "-q", "--no-cache", "--build-arg", `SOURCE_DATE_EPOCH=${epoch}`, "-o", `type=docker,dest=${file},rewrite-timestamp=true`, "-o", "type=docker,rewrite-timestamp=true", "-t", "rewritten", rig.context({ Dockerfile, f: "f" })]);
      return { id, layers: JSON.parse(tool("tar", ["-xOf", file, "manifest.json"]).toString())[0].Layers as string[], file };
    };
    const first = await made(EPOCH);
    expect((await made(EPOCH)).id).toBe(first.id);
    expect((await made("2000000000")).id).not.toBe(first.id);
    const { file, layers } = await made(EPOCH);
    const times = layers.map((layer) => tool("sh", ["-c", `tar -xOf ${file} ${layer} | TZ=UTC tar --full-time -tvf -`]).toString()).join("");
    expect(times.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g)).toEqual(Array.from({ length: 5 }, () => "2001-09-09 01:46:40"));
  });
});

describe("--platform", () => {
  test.skipIf(BUSYBOX === undefined)("of another machine: what is run there names the emulator that is missing, and an image of the store is known to be for this one", async () => {
    const [here, other] = process.arch === "arm64" ? ["linux/arm64", "linux/amd64"] : ["linux/amd64", "linux/arm64"];
    const foreign = rig.context({ Dockerfile: "FROM scratch\nCOPY --chmod=755 program /\nRUN [\"/program\"]\n", program: "\x7fELF no program of this machine" });
    expect((await rig.build("--platform", other!, foreign)).err).toContain(`its image is for ${other}, and this machine is not: its programs need an emulator`);
    await rig.image("127.0.0.1:1/flags:1");
    const { err } = await rig.build("--platform", other!, rig.context({ Dockerfile: "FROM 127.0.0.1:1/flags:1\n" }));
    expect(err).toContain(`it is here for ${here} only, not for ${other}; connect to registry`);
    expect((await rig.build("--platform", "local", "--platform", other!, foreign)).err).toContain("an image for several platforms is not built yet");
    expect((await rig.build("--platform", "local", rig.context({ Dockerfile: "FROM 127.0.0.1:1/flags:1\n" }))).code).toBe(0);
  });
});

test("--annotation is in the manifest that leaves", async () => {
  const directory = path.join(rig.directory, "annotated");
  await rig.ok(["build", "-q", "--annotation", "a=b", "--annotation", "manifest:c=d=e", "-o", `type=oci,tar=false,dest=${directory}`, rig.context({ Dockerfile: "FROM scratch\nCOPY . /\n" })]);
  const blobs = path.join(directory, "blobs/sha256");
  const texts = readdirSync(blobs).map((name) => readFileSync(path.join(blobs, name), "latin1"));
  expect(texts.filter((text) => text.includes('"annotations":{"a":"b","c":"d=e"}'))).toHaveLength(1);
});

describe("says so, and swallows nothing:", () => {
  test.each([
    [["--cache-from", "type=azblob"], "type=azblob is not there yet"],
    [["--squash"], "--squash is not supported"],
    [["--provenance=mode=max"], "--provenance=mode=max is not supported: no attestations are made yet"],
    [["--attest", "type=sbom"], "--attest type=sbom is not supported"],
    [["--annotation", "index:a=b"], "only manifests have annotations, not index"],
    [["--build-arg", "SOURCE_DATE_EPOCH=soon"], 'invalid SOURCE_DATE_EPOCH: "soon" is not a number of seconds'],
    [["-o", "type=docker,rewrite-timestamp=true"], "rewrite-timestamp of --output needs SOURCE_DATE_EPOCH"],
    [["--build-arg", "BUILDKIT_SYNTAX=some/thing"], 'the frontend "some/thing" cannot be run'],
    [["--ulimit", "nofil=1"], "did you mean nofile?"],
    [["-t", `a@sha256:${"0".repeat(64)}`], "refusing to create a tag with a digest reference"],
    [["--label", "=a"], "invalid key-value pair: empty key"],
    [["--build-arg", "=a"], "invalid key-value pair: empty key"],
    [["--add-host", "a:10.0.0.1,b:c"], 'invalid IP address in add-host: "c"'],
    [["--iidfile", "no/such/place"], "--iidfile: there is no directory"],
    [["--metadata-file", "."], "--metadata-file: destination file \".\" is a directory"],
    [["--memory", "1k"], "Minimum memory limit allowed is 6MB"],
  ])("%j", async (args, expected) => {
    const { code, err } = await rig.run(["build", ...args, rig.context({ Dockerfile: "FROM scratch\nCOPY . /\n" })]);
    expect(err).toContain(expected);
    expect(code).toBeGreaterThan(0);
  });

  test("build arguments for BuildKit that nothing is done for", async () => {
    const { code, err } = await rig.build("--provenance=false", "--sbom=false", "--attest=type=provenance,disabled=true", "--build-arg", "BUILDKIT_MULTI_PLATFORM=1", "--build-arg", "BUILDKIT_SYNTAX=mirror.example.com:5000/docker/dockerfile:1.7-labs", rig.context({ Dockerfile: "FROM scratch\nCOPY . /\n" }));
    expect(err).toContain("WARNING: BUILDKIT_MULTI_PLATFORM: the image is for one platform, without an index");
    expect(code).toBe(0);
  });
});

test("an empty value says nothing, as scripts write it", async () => {
  const empty = ["-f", "", "--target", "", "-o", "", "--iidfile", "", "--metadata-file", "", "--memory", "", "--cgroup-parent", "", "--call", ""];
  const { code, err } = await rig.build(...empty, "-t", "empty", rig.context({ Dockerfile: "FROM scratch\nCOPY . /\n" }));
  expect(err).toContain("naming to empty:latest");
  expect(code).toBe(0);
});
