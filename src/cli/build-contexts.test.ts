import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig } from "../testing/builds.ts";
import { gitRepository, served } from "../testing/served.ts";

const rig = new BuildRig();
beforeAll(async () => {
  await rig.image("base", { "etc/name": "base\n" }, ["ENV WHO=base", "ONBUILD RUN never"]);
  await rig.image("other", { "etc/name": "other\n" }, ["ENV WHO=other", "WORKDIR /srv"]);
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A directory as `--build-context`. */
const SHARED = { f: "f\n", "sub/s": "s\n", ignored: "", ".dockerignore": "ignored\n" };

function names(layer: readonly { readonly path: string }[]): readonly string[] {
  return layer.map((entry) => entry.path).filter((name) => !name.endsWith("/"));
}

describe("a directory", () => {
  test("is copied from without what its own .dockerignore leaves out, and stood on as a tree without a config", async () => {
    const Dockerfile = "FROM shared AS start\nFROM start\nCOPY --from=shared / /a/\nCOPY --from=start sub/s /b/\nCOPY own /\n";
    const image = await rig.built("stands", { Dockerfile, own: "", ".dockerignore": "f\n" }, "--build-context", `shared=${rig.context(SHARED)}`);
    expect(image.layers.map(names)).toEqual([[".dockerignore", "f", "sub/s"], ["a/.dockerignore", "a/f", "a/sub/s"], ["b/s"], ["own"]]);
    expect(image.config.config).toEqual({ Env: [expect.stringMatching(/^PATH=/)], WorkingDir: "/" });
    expect(image.history).toEqual(["[context shared]", "COPY / /a/ # buildkit", "COPY sub/s /b/ # buildkit", "COPY own / # buildkit"]);
  });

  test.skipIf(BUSYBOX === undefined)("is mounted by RUN, and a change in it is said with its name", async () => {
    await rig.busybox();
    const shared = rig.context(SHARED);
    const directory = rig.context({ Dockerfile: "FROM busybox\nRUN --mount=from=shared,target=/m --mount=type=cache,from=shared,source=/sub,target=/c ls /m /c > /out\nCOPY --from=shared f /f\n" });
    const build = () => rig.build("-t", "mounted", "--build-context", `shared=${shared}`, directory);
    expect((await build()).code).toBe(0);
    expect((await rig.saved("mounted")).files).toHaveLength(1);
    expect((await rig.build("--target", "0", "-o", `${directory}-out`, directory, "--build-context", `shared=${shared}`)).code).toBe(0);
    expect(readFileSync(`${directory}-out/out`, "utf8")).toBe("/c:\ns\n\n/m:\nf\nsub\n");
    writeFileSync(path.join(shared, "ignored"), "other");
    expect((await build()).err).not.toContain("MISS");
    writeFileSync(path.join(shared, "f"), "g");
    expect((await build()).err).toContain("runs again: f changed");
    writeFileSync(path.join(directory, "Dockerfile"), "FROM scratch\nCOPY --from=shared gone /\n");
    expect(await build()).toMatchObject({ code: 1, err: expect.stringContaining('"gone" is not in the build context "shared"') as string });
  });
});

describe("an image", () => {
  test("stands for another of a name, in every form of it", async () => {
    const contexts = ["--build-context", "docker.io/library/nginx:latest=docker-image://other", "--build-context", "quay.io/x/y:1=docker-image://scratch"];
    const image = await rig.built("nginx", { Dockerfile: "FROM quay.io/x/y:1\nCOPY --from=nginx /etc/name /a\nFROM nginx\nCOPY --from=0 /a /b\n" }, ...contexts);
    expect(image.text("b")).toBe("other\n");
    expect(image.config.config).toMatchObject({ Env: [expect.stringMatching(/^WHO=other|PATH/), expect.anything()], WorkingDir: "/srv" });
  });

  test("stands for a stage, whose instructions are then not run", async () => {
    const image = await rig.built("stage", { Dockerfile: "FROM base AS made\nRUN false\nFROM scratch\nCOPY --from=made /etc/name /a\nCOPY --from=0 /etc/name /b\n" }, "--build-context", "made=docker-image://other");
    expect(image.text("b")).toBe("other\n");
  });

  test("of an OCI image layout is found by tag and digest, and is no image of the store", async () => {
    const layout = path.join(rig.directory, "layout");
    await rig.ok(["tag", "other", "other:two"]);
    await rig.ok(["save", "--format", "oci-dir", "-o", layout, "base:latest", "other:two"]);
    await using fresh = new BuildRig();
    const build = (value: string) => fresh.run(["build", "--progress=plain", "-t", "out", "--build-context", `start=oci-layout://${layout}${value}`, fresh.context({ Dockerfile: "FROM scratch\nCOPY --from=start /etc/name /a\n" })]);
    expect((await build(":two")).code).toBe(0);
    expect((await fresh.saved("out")).text("a")).toBe("other\n");
    expect((await fresh.ok(["images", "-a", "-q"])).trim().split("\n")).toHaveLength(1);
    expect(await build(":three")).toMatchObject({ code: 1, err: expect.stringMatching(/has no image "three"\nit has latest, two\n/) as string });
    expect(await build(`@sha256:${"0".repeat(64)}`)).toMatchObject({ code: 1, err: expect.stringContaining(`has no image sha256:${"0".repeat(64)}`) as string });
  });
});

test("a git repository is checked out, and keeps .git where its URL says so; what else is behind a URL is the file `context`", async ({ skip }) => {
  if (spawnSync("git", ["--version"]).status !== 0) skip("git is not installed");
  const repository = gitRepository(rig.context({ b: "b", "sub/c": "c" }));
  await using server = await served((request, response) => (request.url!.startsWith("/r.git") ? repository.listener(request as never, response as never) : response.end("tar")));
  const directory = rig.context({ Dockerfile: "FROM scratch\nCOPY --from=src . /t/\n" });
  const copied = async (value: string) => {
    const { code, err } = await rig.build("-t", "url", "--build-context", `src=${server.url}/${value}`, directory);
    return code === 0 ? { err, names: names((await rig.saved("url")).layers[0]!) } : { err, names: undefined };
  };
  expect((await copied("r.git#v1:sub")).names).toEqual(["t/c"]);
  expect((await copied("x.tgz")).names).toEqual(["t/context"]);
  expect((await copied("r.git?keep-git-dir=1")).names).toContain("t/.git/HEAD");
  expect((await copied("r.git?keep-git-dir=1")).err).toMatch(/COPY --from=src[^\n]*\n#\d+ CACHED/);
});

test("a git repository as the build's context keeps .git for its URL or BUILDKIT_CONTEXT_KEEP_GIT_DIR", async ({ skip }) => {
  if (spawnSync("git", ["--version"]).status !== 0) skip("git is not installed");
  const repository = gitRepository(rig.context({ Dockerfile: "FROM scratch\nCOPY . /\n" }));
  await using server = await served(repository.listener);
  for (const args of [[`${server.url}/r.git?keep-git-dir=1`], ["--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", `${server.url}/r.git`]]) {
    expect((await rig.build("-t", "kept", ...args)).code).toBe(0);
    expect(names((await rig.saved("kept")).layers[0]!)).toContain(".git/HEAD");
  }
});

describe("is refused, or missed, by its name:", () => {
  test.each([
    ["x", "invalid context value: x, expected key=value"],
    ["X=.", "invalid context name X: invalid reference"],
    ["x=", "failed to get build context x: it names nothing"],
    ["x=nowhere", 'failed to get build context x: there is no "nowhere"'],
    ["x=target:base", '"target:base" is for bake files'],
    ["x=docker-image://Y", "build context x: invalid reference"],
    ["x=oci-layout://.", "is no OCI image layout"],
    ["start=docker-image://127.0.0.1:1/none", 'Dockerfile:1:6: cannot use the build context "start": connect to registry'],
    ["strt=.", 'did you mean the build context "strt"?'],
  ])("%s", async (value, expected) => {
    const directory = rig.context({ Dockerfile: "FROM start\n" });
    const { code, err } = await rig.run(["build", "--build-context", value, directory]);
    expect(err).toContain(expected);
    expect(code).toBeGreaterThan(0);
  });
});
