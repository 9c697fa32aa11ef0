import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { BuildRig, tool } from "../../testing/builds.ts";
import { gitRepository, served } from "../../testing/served.ts";

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

const packed = (): Buffer => {
  const directory = rig.context({ "top/run": { text: "r", mode: 0o755 }, "top/link": { link: "run" } });
  return tool("tar", ["-C", directory, "--owner=7", "--group=8", "--mtime=@1000000000", "--sort=name", "-c", "top"]);
};

describe("ADD unpacks a local tar", () => {
  test.each([["gzip"], ["xz"], ["zstd"], ["bzip2"], [undefined]] as const)("compressed with %s, whatever its name, with its own owners", async (compressor) => {
    const bytes = compressor === undefined ? packed() : tool(compressor, ["-c"], { input: packed() });
    const { layers } = await rig.built(`unpacked-${compressor}`, { Dockerfile: "FROM scratch\nADD archive.bin /into\n", "archive.bin": bytes });
    expect(layers[0]!.map(({ mode, owner, path: name }) => `${mode} ${owner} ${name}`)).toEqual([
      "drwxr-xr-x 0/0 into/", "drwxr-xr-x 7/8 into/top/", "lrwxrwxrwx 7/8 into/top/link", "-rwxr-xr-x 7/8 into/top/run",
    ]);
  });

  test("with the modes that it has, below a destination that is made as always; --chown counts, --chmod does not", async () => {
    const directory = rig.context({ "in/x": { text: "x", mode: 0o640 } });
    const bytes = tool("tar", ["-C", directory, "--owner=5", "--group=6", "--mode=u=rwX,go=", "-c", "."]);
    const image = await rig.built("unpacked-modes", { Dockerfile: "FROM scratch\nADD a.tar /a\nADD --chown=7:8 --chmod=777 a.tar /b\n", "a.tar": bytes });
    expect(image.layers.map((layer) => layer.map(({ mode, owner, path: name }) => `${mode} ${owner} ${name}`))).toEqual([
      ["drwxr-xr-x 0/0 a/", "drwx------ 5/6 a/in/", "-rw------- 5/6 a/in/x"],
      ["drwxr-xr-x 7/8 b/", "drwx------ 7/8 b/in/", "-rw------- 7/8 b/in/x"],
    ]);
  });

  test("over directories that are there: those that it names take its metadata, others keep theirs", async () => {
    const files = { "named/x": "x", "unnamed/y": "y" };
    const directory = rig.context(files);
    const bytes = tool("tar", ["-C", directory, "--owner=5", "--group=6", "--mode=u=rwX,go=", "--no-recursion", "-c", "named", "named/x", "unnamed/y"]);
    const image = await rig.built("unpacked-onto", { Dockerfile: "FROM scratch\nCOPY --chown=1:2 --chmod=711 d /d\nADD a.tar /d\n", "a.tar": bytes, "d/named/z": "", "d/unnamed/z": "" });
    expect(image.layers.at(-1)!.map(({ mode, owner, path: name }) => `${mode} ${owner} ${name}`)).toEqual([
      "drwx--x--x 1/2 d/", "drwx------ 5/6 d/named/", "-rw------- 5/6 d/named/x", "drwx--x--x 1/2 d/unnamed/", "-rw------- 5/6 d/unnamed/y",
    ]);
  });

  test("and copies what is none, or only begins like one, and what COPY takes", async () => {
    const { layers } = await rig.built("not-unpacked", { Dockerfile: "FROM scratch\nADD a.gz b.tar /into/\nCOPY c.tar /into/\n", "a.gz": Buffer.from("\x1f\x8b no gzip at all, only its first bytes", "latin1"), "b.tar": "text", "c.tar": packed() });
    expect(layers.map((layer) => layer.map((entry) => entry.path))).toEqual([["into/", "into/a.gz", "into/b.tar"], ["into/", "into/c.tar"]]);
  });

  test("that climbs out lands inside the destination or is refused", async () => {
    const directory = rig.context({ x: "x" });
    const hostile = tool("tar", ["-C", directory, "-P", "--transform=s,^x,../../../climbed,", "-c", "x"]);
    const { code, err } = await rig.build("-t", "hostile", rig.context({ Dockerfile: "FROM scratch\nADD h.tar /into/\n", "h.tar": hostile }));
    if (code === 0) expect((await rig.saved("hostile")).layers[0]!.every((entry) => entry.path.startsWith("into/"))).toBe(true);
    else expect(err).toMatch(/\.\.\/\.\.\/\.\.\/climbed/);
  });
});

describe("ADD fetches", () => {
  test("a URL as a file of mode 0600 with the server's time, and asks again whether it still holds", async () => {
    let text = "first";
    const asked: (string | undefined)[] = [];
    await using server = await served((request, response) => {
      asked.push(request.headers["if-none-match"]);
      const etag = JSON.stringify(text);
      if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
      return response.writeHead(200, { etag, "last-modified": "Sun, 09 Sep 2001 01:46:40 GMT" }).end(text);
    });
    const directory = rig.context({ Dockerfile: `FROM scratch\nADD ${server.url}/dir/tool.sh?x=1 /bin/\n` });
    await rig.ok(["build", "-q", "-t", "fetched", directory]);
    const image = await rig.saved("fetched");
    expect(image.files).toEqual(["-rw------- 0/0 bin/tool.sh"]);
    expect(image.text("bin/tool.sh")).toBe("first");
    expect((await rig.build(directory)).err).toMatch(/ADD .* CACHED|^#\d+ CACHED$/m);
    text = "second";
    const { err } = await rig.build(directory);
    expect(err).toMatch(/^#\d+ MISS .*ADD .* runs again: what is behind its URL now is sha256:16367aacb67a, was sha256:a7937b64b8ca$/m);
    expect(asked).toEqual([undefined, '"first"', '"first"']);
  });

  test("a URL under the name, owner and mode that it is told; an archive behind a URL stays packed", async () => {
    await using server = await served((_, response) => response.end(packed()));
    const image = await rig.built("told", { Dockerfile: `FROM scratch\nADD --chown=7:8 --chmod=755 ${server.url}/x.tar /y.tar\n` });
    expect(image.files).toEqual(["-rwxr-xr-x 7/8 y.tar"]);
  });

  test("nothing where the server has nothing: the error has the URL, the status and the line", async () => {
    await using server = await served((_, response) => response.writeHead(404).end());
    const { code, err } = await rig.build(rig.context({ Dockerfile: `FROM scratch\nADD ${server.url}/gone /\n` }));
    expect(code).toBe(1);
    expect(err).toContain(`   2 | >>> ADD ${server.url}/gone /`);
    expect(err).toContain(`/gone": invalid response status 404`);
  });

  test("a private git repository with the secret GIT_AUTH_TOKEN, which is nowhere after that", async ({ skip }) => {
    if (spawnSync("git", ["--version"]).status !== 0) skip("git is not installed");
    const repository = gitRepository(rig.context({ b: "b", Dockerfile: "FROM scratch\nCOPY . /\n" }));
    const wanted = `basic ${Buffer.from("x-access-token:hush-hush").toString("base64")}`;
    await using server = await served((request, response) => (request.headers.authorization === wanted ? repository.listener(request as never, response as never) : response.writeHead(401).end()));
    const added = rig.context({ Dockerfile: `FROM scratch\nADD --keep-git-dir ${server.url}/r.git /\n` });
    expect((await rig.build(added)).err).toMatch(/ERROR: failed to solve: git ls-remote/);
    rig.env["TOKEN"] = "hush-hush";
    for (const args of [["--secret", "id=GIT_AUTH_TOKEN,env=TOKEN", added], ["--secret", `id=GIT_AUTH_TOKEN.127.0.0.1:${server.port},env=TOKEN`, `${server.url}/r.git?keep-git-dir=1`]]) {
      expect((await rig.build("-t", "private", ...args)).code).toBe(0);
      expect((await rig.saved("private")).layers.at(-1)!.map((entry) => entry.path)).toContain("b");
    }
    delete rig.env["TOKEN"];
    for (const said of ["hush-hush", wanted.slice("basic ".length)]) expect(spawnSync("grep", ["-raqF", said, rig.root]).status).toBe(1);
  });

  test("of a git repository the commit that --checksum begins, and no other", async ({ skip }) => {
    if (spawnSync("git", ["--version"]).status !== 0) skip("git is not installed");
    const { commit, listener } = gitRepository(rig.context({ b: "b" }));
    await using server = await served(listener);
    const build = (checksum: string, query = "") => rig.build("-t", "commit", rig.context({ Dockerfile: `FROM scratch\nADD --checksum=${checksum} ${server.url}/r.git${query} /\n` }));
    expect((await build(commit.slice(0, 12))).code).toBe(0);
    expect((await rig.saved("commit")).text("b")).toBe("b");
    const wrong = "0".repeat(40);
    expect((await build(wrong)).err).toContain(`expected checksum to match ${wrong}, got ${commit}`);
  });

  test("what a --checksum names, and refuses anything else", async () => {
    await using server = await served((_, response) => response.end("hello\n"));
    const right = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    const good = await rig.built("checked", { Dockerfile: `FROM scratch\nADD --checksum=${right} ${server.url}/x /\n` });
    expect(good.text("x")).toBe("hello\n");
    const { code, err } = await rig.build(rig.context({ Dockerfile: `FROM scratch\nADD --checksum=sha256:${"0".repeat(64)} ${server.url}/x /\n` }));
    expect(code).toBe(1);
    expect(err).toContain(`has the digest ${right}, not sha256:${"0".repeat(64)}`);
  });

  test("a git repository without its history, at the ref and from the directory that its address says", async ({ skip }) => {
    try {
      tool("git", ["--version"]);
    } catch {
      skip("git is not installed");
    }
    const repository = gitRepository(rig.context({ "sub/a": "a", b: "b" }));
    await using server = await served(repository.listener);
    const whole = await rig.built("cloned", { Dockerfile: `FROM scratch\nADD ${server.url}/r.git /src\n` });
    expect(whole.files.map((line) => line.split(" ").at(-1))).toEqual(["src/b", "src/sub/a"]);
    const part = await rig.built("cloned-part", { Dockerfile: `FROM scratch\nADD ${server.url}/r.git#v1:sub /src/\n` });
    expect(part.files.map((line) => line.split(" ").at(-1))).toEqual(["src/a"]);
  });
});
