import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { BuildRig, tool, type ContextFile } from "../../testing/builds.ts";
import { gitRepository, served } from "../../testing/served.ts";
import { processesOf, start } from "../../testing/spawned.ts";

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

const ALL = "FROM scratch\nCOPY . /\n";
const FILES = { Dockerfile: ALL, a: "a", "sub/Dockerfile": ALL, "sub/b": "b" };

let number = 0;
/** The files of the image that a build of this context makes. */
async function filesOf(args: readonly string[], stdin?: Buffer): Promise<string[]> {
  const name = `context-${(number += 1)}`;
  await rig.ok(["build", "--progress=plain", "-t", name, ...args], stdin === undefined ? undefined : [stdin]);
  return (await rig.saved(name)).layers.flat().map((entry) => entry.path).filter((one) => !one.endsWith("/")).sort();
}
const tarOf = (directory: string, ...flags: readonly string[]): Buffer => tool("tar", ["-C", directory, ...flags, "-c", "."]);

describe("a build context is", () => {
  test("a directory, with its own Dockerfile or one named with -f, inside or outside", async () => {
    const directory = rig.context({ ...FILES, "sub/other": "FROM scratch\nCOPY a /other\n" });
    const outside = rig.context({ elsewhere: "FROM scratch\nCOPY a /elsewhere\n" });
    expect(await filesOf([directory])).toEqual(["Dockerfile", "a", "sub/Dockerfile", "sub/b", "sub/other"]);
    expect(await filesOf(["-f", path.join(directory, "sub/other"), directory])).toEqual(["other"]);
    expect(await filesOf(["-f", path.join(outside, "elsewhere"), directory])).toEqual(["elsewhere"]);
    expect(await filesOf(["-f", "-", directory], Buffer.from("FROM scratch\nCOPY a /piped\n"))).toEqual(["piped"]);
  });

  test("a directory behind a symbolic link", async () => {
    const place = rig.context({ context: { link: rig.context(FILES) } });
    expect(await filesOf([path.join(place, "context")])).toEqual(["Dockerfile", "a", "sub/Dockerfile", "sub/b"]);
  });

  test("nothing but a Dockerfile on standard input", async () => {
    expect(await filesOf(["-"], Buffer.from("FROM scratch\nCOPY <<E /x\nx\nE\n"))).toEqual(["x"]);
  });

  test.each([["plain"], ["gzip"], ["xz"], ["zstd"], ["bzip2"]])("a tar on standard input, %s", async (compressor) => {
    const plain = tarOf(rig.context(FILES));
    expect(await filesOf(["-"], compressor === "plain" ? plain : tool(compressor, ["-c"], { input: plain }))).toEqual(["Dockerfile", "a", "sub/Dockerfile", "sub/b"]);
  });

  test("a tar file, or a tar or Dockerfile behind a URL, with -f naming a file inside", async () => {
    const file = path.join(rig.directory, "files.tgz");
    writeFileSync(file, tarOf(rig.context({ ...FILES, other: "FROM scratch\nCOPY a /other\n" }), "-z"));
    expect(await filesOf(["-f", "other", file])).toEqual(["other"]);
    await using server = await served((request, response) => response.end(request.url === "/x.tgz" ? tarOf(rig.context(FILES), "-z") : "FROM scratch\nCOPY <<E /url\nx\nE\n"));
    expect(await filesOf(["-f", "sub/Dockerfile", `${server.url}/x.tgz`])).toEqual(["Dockerfile", "a", "sub/Dockerfile", "sub/b"]);
    expect(await filesOf([`${server.url}/Dockerfile`])).toEqual(["url"]);
    expect(await filesOf(["-f", `${server.url}/Dockerfile`, rig.context(FILES)])).toEqual(["url"]);
    expect(await filesOf(["-f", `${server.url}/Dockerfile`, file])).toEqual(["url"]);
  });

  test("a git repository at a branch, tag, commit or directory", async ({ skip }) => {
    try {
      tool("git", ["--version"]);
    } catch {
      skip("git is not installed");
    }
    const { commit, listener } = gitRepository(rig.context(FILES));
    await using server = await served(listener);
    const url = `${server.url}/r.git`;
    expect(await filesOf([url])).toEqual(["Dockerfile", "a", "sub/Dockerfile", "sub/b"]);
    for (const ref of ["main:sub", "v1:sub", ":sub", `${commit}:sub`]) expect(await filesOf([`${url}#${ref}`])).toEqual(["Dockerfile", "b"]);
    for (const query of ["branch=main&subdir=sub", "tag=v1&subdir=sub", `ref=${commit}&subdir=sub`, `commit=${commit}&subdir=sub`, `branch=main&checksum=${commit.slice(0, 7)}&subdir=sub`, "submodules=false&subdir=sub#main:sub"]) {
      expect(await filesOf([`${url}?${query}`])).toEqual(["Dockerfile", "b"]);
    }
    const short = await rig.build(`${url}#${commit.slice(0, 7)}`);
    expect(short).toMatchObject({ code: 1, err: expect.stringContaining("a commit is named by all of its 40 digits") as string });
    const gone = await rig.build(`${url}#gone`);
    expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('has no branch, tag or commit "gone"') as string });
    const nowhere = await rig.build(`${url}#main:nowhere`);
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('"nowhere" is not a directory of') as string });
  });
});

test("a named pipe as the Dockerfile is waited for, until it is written or the build is interrupted", async () => {
  const directory = rig.context({ a: "a" });
  const pipe = `${directory}.pipe`;
  tool("mkfifo", [pipe]);
  const build = () => start(["build", "-q", "-f", pipe, directory], { ...process.env, LAMINATE_ROOT: rig.root });
  const written = build();
  await writeFile(pipe, ALL); // waits for a reader as the build waits for a writer
  expect(await written.ended).toMatchObject({ code: 0, err: "" });
  const waiting = build();
  await vi.waitUntil(() => processesOf(pipe).some((line) => / cat /.test(line)), 150_000);
  waiting.child.kill("SIGINT");
  expect((await waiting.ended).code).toBe(130);
  await vi.waitUntil(() => processesOf(pipe).length === 0, 150_000);
});

test("links of a git repository lead nowhere outside it", async ({ skip }) => {
  if (spawnSync("git", ["--version"]).error !== undefined) skip("git is not installed");
  const outside = rig.context({ Dockerfile: ALL, secret: "s" });
  const files = { etc: { link: outside }, Stolen: { link: path.join(outside, "Dockerfile") }, "endless/Dockerfile": ALL, "endless/.dockerignore": { link: "/dev/zero" } };
  const { listener } = gitRepository(rig.context(files));
  await using server = await served(listener);
  const url = `${server.url}/r.git`;
  expect((await rig.build(`${url}#main:etc`)).err).toContain('"etc" is not a directory of');
  expect((await rig.build("-f", "Stolen", url)).err).toContain("open Stolen: no such file in the build context");
  expect(await filesOf([`${url}#main:endless`])).toEqual([".dockerignore", "Dockerfile"]);
});

describe(".dockerignore", () => {
  const files: Readonly<Record<string, ContextFile>> = {
    Dockerfile: ALL, "a.log": "", "keep.log": "", "deep/er/b.log": "", "deep/c": "", "node_modules/m/index.js": "", "node_modules/keep/index.js": "", "tmp/x": "",
    ".dockerignore": "# comment\n**/*.log\n!keep.log\nnode_modules\n!node_modules/keep\n/tmp/\nDockerfile\n.dockerignore\n",
  };
  const left = ["deep/c", "keep.log", "node_modules/keep/index.js"];

  test("leaves files out of a directory and of a tar; the Dockerfile is read all the same", async () => {
    const directory = rig.context(files);
    expect(await filesOf([directory])).toEqual(left);
    expect(await filesOf(["-"], tarOf(directory))).toEqual(left);
  });

  test("of the Dockerfile's own name goes before the general one", async () => {
    const directory = rig.context({ ...files, "web.Dockerfile": ALL, "web.Dockerfile.dockerignore": "*\n!deep\ndeep/er\n" });
    expect(await filesOf(["-f", path.join(directory, "web.Dockerfile"), directory])).toEqual(["deep/c"]);
    expect(await filesOf(["-f", "web.Dockerfile", "-"], tarOf(directory))).toEqual(["deep/c"]);
  });

  test("with a pattern that cannot be is an error at its place", async () => {
    const { code, err } = await rig.build(rig.context({ Dockerfile: ALL, ".dockerignore": "ok\na[b\n" }));
    expect(code).toBe(1);
    expect(err).toMatch(/\.dockerignore:2:1: /);
  });
});

describe("what is no context or has no Dockerfile", () => {
  test.each<[name: string, args: (directory: string) => readonly string[], message: RegExp, files?: Readonly<Record<string, ContextFile>>]>([
    ["a path that is not there", (directory) => [`${directory}/no`], /path ".*\/no" not found/],
    ["a file that is no tar", (directory) => [`${directory}/a`], /".*\/a" is neither a directory nor a tar\n.*-f/],
    ["a device", () => ["/dev/null"], /"\/dev\/null" is neither a directory nor a file\n/],
    ["no Dockerfile", (directory) => [directory], /open Dockerfile: no such file or directory/, { a: "" }],
    ["a Dockerfile of another case", (directory) => [directory], /open Dockerfile: no such file or directory\ndid you mean -f DockerFile\?/, { DockerFile: ALL }],
    ["a -f that is not there", (directory) => ["-f", `${directory}/Dockerfil`, directory], /Dockerfil: no such file or directory\ndid you mean -f Dockerfile\?/],
    ["a Dockerfile that is a directory", (directory) => [directory], /open Dockerfile: is a directory/, { "Dockerfile/x": "" }],
    ["an empty Dockerfile", (directory) => [directory], /Dockerfile:1:1: the Dockerfile /, { Dockerfile: "" }],
    ["a Dockerfile of comments", (directory) => [directory], /Dockerfile:1:1: the Dockerfile /, { Dockerfile: "# nothing\n\n" }],
    ["a binary Dockerfile", (directory) => [directory], /Dockerfile:1:1: /, { Dockerfile: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 255, 254, 10, 0, 0]) }],
    ["standard input for both", () => ["-f", "-", "-"], /can't use stdin for both/],
    ["a git repository that is not there", () => ["http://127.0.0.1:1/r.git"], /git ls-remote: /],
    ["a git URL with a misspelt query", () => ["http://127.0.0.1:1/r.git?brunch=a"], /unexpected query "brunch" .*\ndid you mean branch=\?/],
    ["a git URL that says two things", () => ["http://127.0.0.1:1/r.git?branch=a#b"], /ref conflicts in a git URL: "b" and "refs\/heads\/a"/],
    ["a git URL with a switch that is neither on nor off", () => ["http://127.0.0.1:1/r.git?keep-git-dir=x"], /invalid keep-git-dir value: "x"/],
    ["a file URL", () => ["file:///tmp/r.git"], /path "file:\/\/\/tmp\/r.git" not found/],
    ["a URL that nobody answers", () => ["http://127.0.0.1:1/x.tar"], /download "http:\/\/127.0.0.1:1\/x.tar": /],
  ])("%s is said, and the store stays as it was", async (_, args, message, files = FILES) => {
    const before = await rig.ok(["images", "-aq"]);
    const { code, err } = await rig.build(...args(rig.context(files)));
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/Internal error|mistake in Laminate|^ +at /m);
    expect(await rig.ok(["images", "-aq"])).toBe(before);
  });

  test.each([
    ["climbs out", ["-P", "--transform=s,^./a,../../../../tmp/laminate-climbed,"]],
    ["is absolute", ["-P", "--transform=s,^./a,/tmp/laminate-climbed,"]],
  ])("a tar whose member %s stays inside or is refused", async (_, flags) => {
    const { code, err } = await rig.run(["build", "--progress=plain", "-t", "hostile", "-"], [tarOf(rig.context(FILES), ...flags)]);
    expect(err).not.toMatch(/Internal error|mistake in Laminate/);
    if (code === 0) expect((await rig.saved("hostile")).layers.flat().filter((entry) => entry.path.includes(".."))).toEqual([]);
    expect(() => tool("test", ["!", "-e", "/tmp/laminate-climbed"])).not.toThrow();
  });

  test("a git address without git says which package has it", () => {
    const entry = path.join(import.meta.dirname, "../../cli/entry.ts");
    const env = { ...process.env, PATH: "/nowhere", LAMINATE_ROOT: rig.root };
    const { status, stderr } = spawnSync(process.execPath, [entry, "build", "http://127.0.0.1:1/r.git"], { env, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'laminate: a git address needs the command "git", which is not installed\ninstall it: apt-get install git\n' });
  });

  test("a failing step of a Dockerfile from standard input or a URL is shown at its line", async () => {
    const text = "FROM scratch\nCOPY missing /\n";
    const piped = await rig.run(["build", "--progress=plain", "-"], [Buffer.from(text)]);
    expect(piped.err).toContain("Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> COPY missing /\n");
    await using server = await served((_, response) => response.end(text));
    expect((await rig.build(`${server.url}/Dockerfile`)).err).toContain("   2 | >>> COPY missing /\n");
  });
});
