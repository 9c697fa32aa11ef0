import { chmodSync, linkSync, mkdirSync, utimesSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuildRig, tool, type ContextFile, type Listed } from "../../testing/builds.ts";

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());
beforeAll(async () => {
  await rig.image("accounts", { "etc/passwd": "root:x:0:0::/:\nweb:x:101:102::/:\n", "etc/group": "root:x:0:\nweb:x:102:\nstaff:x:50:\n", "usr/share/x": "x" });
});

const shown = (layer: readonly Listed[]): string[] => layer.map(({ mode, owner, path: name, link }) => `${mode} ${owner} ${name}${link === undefined ? "" : ` -> ${link}`}`);

let number = 0;
/** What the last instruction's layer holds. */
async function layerOf(lines: string, files: Readonly<Record<string, ContextFile>>): Promise<string[]> {
  const { layers } = await rig.built(`copy-${(number += 1)}`, { Dockerfile: `FROM accounts\n${lines}\n`, ...files });
  return shown(layers.at(-1)!);
}
const paths = async (lines: string, files: Readonly<Record<string, ContextFile>>): Promise<string[]> => (await layerOf(lines, files)).map((line) => line.replace(/^\S+ \S+ /, ""));

describe("COPY puts", () => {
  const files = { "a.txt": "a", "b.txt": "b", "c.md": "c", "dir/d": "d", "dir/sub/e.txt": "e", "[x]": "brackets" };

  test.each<[line: string, ...expected: string[]]>([
    ["COPY a.txt /to", "to"],
    ["COPY a.txt /to/", "to/", "to/a.txt"],
    ["COPY a.txt usr/share", "usr/", "usr/share/", "usr/share/a.txt"],
    ["COPY a.txt b.txt /to/", "to/", "to/a.txt", "to/b.txt"],
    ["COPY *.txt /to/", "to/", "to/a.txt", "to/b.txt"],
    ["COPY ?.md /to", "to"],
    ["COPY [ab].txt /to/", "to/", "to/a.txt", "to/b.txt"],
    ["COPY [[]x] /to/", "to/", "to/[x]"],
    ["COPY a.txt *.lock /to/", "to/", "to/a.txt"],
    ["COPY *.lock /to/"],
    ["COPY dir /to", "to/", "to/d", "to/sub/", "to/sub/e.txt"],
    ["COPY dir/ /usr/share/", "usr/", "usr/share/", "usr/share/d", "usr/share/sub/", "usr/share/sub/e.txt"],
    ["COPY d*/sub /to/", "to/", "to/e.txt"],
    ["COPY */sub/*.txt /to/", "to/", "to/e.txt"],
    ['COPY ["a.txt", "/with space/"]', "with space/", "with space/a.txt"],
    ["WORKDIR /w\nCOPY a.txt .", "w/", "w/a.txt"],
    ["COPY <<one <<two /to/\n1\none\n2\ntwo", "to/", "to/one", "to/two"],
    ["COPY <<EOT /to\ntext\nEOT", "to"],
  ])("%s", async (line, ...expected) => {
    expect(await paths(line, files)).toEqual(expected);
  });

  test("a here-document's text with its variables replaced, unless its name is quoted", async () => {
    const image = await rig.built("here", { Dockerfile: 'FROM scratch\nARG v=1\nCOPY <<a <<"b" <<-c /\n$v\na\n$v\nb\n\t\tx\n\tc\n' });
    expect(["a", "b", "c"].map((name) => image.text(name))).toEqual(["1\n", "$v\n", "x\n"]);
  });
});

describe("COPY keeps", () => {
  test("modes, times, symbolic links and hard links, and gives everything to root", async () => {
    const directory = rig.context({ Dockerfile: "FROM scratch\nCOPY d /d\n", "d/in/x": "x", "d/run": { text: "#!", mode: 0o755 }, "d/secret": { text: "s", mode: 0o600 }, "d/up": { link: "../../x" }, "d/one": "1" });
    linkSync(path.join(directory, "d/one"), path.join(directory, "d/two"));
    chmodSync(path.join(directory, "d/in"), 0o750);
    utimesSync(path.join(directory, "d/run"), 1_000_000_000, 1_000_000_000.5);
    await rig.ok(["build", "-q", "-t", "kept", directory]);
    const image = await rig.saved("kept");
    expect(shown(image.layers[0]!)).toEqual([
      "drwxr-xr-x 0/0 d/",
      "drwxr-x--- 0/0 d/in/",
      "-rw-r--r-- 0/0 d/in/x",
      "-rw-r--r-- 0/0 d/one",
      "-rwxr-xr-x 0/0 d/run",
      "-rw------- 0/0 d/secret",
      "hrw-r--r-- 0/0 d/two -> d/one",
      "lrwxrwxrwx 0/0 d/up -> ../../x",
    ]);
  });

  test("one content of hard links that two sources name, but no link between the sources", async () => {
    const directory = rig.context({ Dockerfile: "FROM scratch\nCOPY one two /d/\n", one: "1" });
    linkSync(path.join(directory, "one"), path.join(directory, "two"));
    await rig.ok(["build", "-q", "-t", "unlinked", directory]);
    expect(shown((await rig.saved("unlinked")).layers[0]!)).toEqual(["drwxr-xr-x 0/0 d/", "-rw-r--r-- 0/0 d/one", "-rw-r--r-- 0/0 d/two"]);
  });

  test("the destination and its parents at mode 0755, or the permissions of --chmod, with the owner of --chown", async () => {
    const directory = rig.context({ Dockerfile: "FROM scratch\nCOPY d /a/b\nCOPY --chown=7:8 --chmod=04700 d/x /c/d/\n", "d/x": "x" });
    chmodSync(path.join(directory, "d"), 0o700);
    await rig.ok(["build", "-q", "-t", "parents", directory]);
    expect((await rig.saved("parents")).layers.map(shown)).toEqual([
      ["drwxr-xr-x 0/0 a/", "drwxr-xr-x 0/0 a/b/", "-rw-r--r-- 0/0 a/b/x"],
      ["drwx------ 7/8 c/", "drwx------ 7/8 c/d/", "-rws------ 7/8 c/d/x"],
    ]);
  });

  test("the mode and owner of a directory that is there already", async () => {
    await rig.built("shared", { Dockerfile: "FROM accounts\nCOPY --chown=web --chmod=0777 d /d/\n", "d/x": "x" });
    const { layers } = await rig.built("shared-more", { Dockerfile: "FROM shared\nCOPY y /d/\n", y: "y" });
    expect(shown(layers.at(-1)!)).toEqual(["drwxr-xr-x 101/102 d/", "-rw-r--r-- 0/0 d/y"]);
  });

  test("below the destination the source's mode and owner, also for directories that are there already", async () => {
    await rig.built("onto", { Dockerfile: "FROM accounts\nCOPY --chown=web --chmod=0777 d /d/\n", "d/in/x": "x" });
    const directory = rig.context({ Dockerfile: "FROM onto\nCOPY more /d/\nCOPY --chown=7:8 more /d\n", "more/in/y": "y" });
    chmodSync(path.join(directory, "more/in"), 0o750);
    await rig.ok(["build", "-q", "-t", "onto-more", directory]);
    expect((await rig.saved("onto-more")).layers.slice(-2).map(shown)).toEqual([
      ["drwxr-xr-x 101/102 d/", "drwxr-x--- 0/0 d/in/", "-rw-r--r-- 0/0 d/in/y"],
      ["drwxr-xr-x 101/102 d/", "drwxr-x--- 7/8 d/in/", "-rw-r--r-- 7/8 d/in/y"],
    ]);
  });

  test("within the image what a link of the image leads to", async () => {
    await rig.built("linked", { Dockerfile: "FROM accounts\nCOPY links/ /\n", "links/bin": { link: "usr/bin" }, "links/out": { link: "../../../etc" }, "links/usr/bin/sh": "sh" });
    const { layers } = await rig.built("through", { Dockerfile: "FROM linked\nCOPY y /bin/\nCOPY y /out/\n", y: "y" });
    expect(layers.slice(-2).map((layer) => layer.map((entry) => entry.path))).toEqual([["usr/", "usr/bin/", "usr/bin/y"], ["etc/", "etc/y"]]);
  });
});

describe("COPY --chown and --chmod", () => {
  test.each<[flags: string, owner: string, mode: string]>([
    ["--chown=web", "101/102", "-rw-r--r--"],
    ["--chown=web:staff", "101/50", "-rw-r--r--"],
    ["--chown=7", "7/7", "-rw-r--r--"],
    ["--chown=7:8", "7/8", "-rw-r--r--"],
    ["--chown=:staff", "0/50", "-rw-r--r--"],
    ["--chown=$who", "101/102", "-rw-r--r--"],
    ["--chmod=4755", "0/0", "-rwsr-xr-x"],
    ["--chmod=0", "0/0", "----------"],
    ["--chmod=u=rwX,go=", "0/0", "-rw-------"],
    ["--chmod=a+x,g-r", "0/0", "-rwx--xr-x"],
    ["--chmod=u+s,+t", "0/0", "-rwSr--r-T"],
    ["--chmod=go=u", "0/0", "-rw-rw-rw-"],
  ])("%s", async (flags, owner, mode) => {
    expect(await layerOf(`ARG who=web\nCOPY ${flags} a /a`, { a: { text: "a", mode: 0o644 } })).toEqual([`${mode} ${owner} a`]);
  });

  test("X makes directories and programs executable, and no other files", async () => {
    const files = { "d/in/x": "x", "d/text": { text: "t", mode: 0o600 }, "d/program": { text: "p", mode: 0o700 } };
    expect(await layerOf("COPY --chmod=a=rX d /d", files)).toEqual(["drwxr-xr-x 0/0 d/", "dr-xr-xr-x 0/0 d/in/", "-r--r--r-- 0/0 d/in/x", "-r-xr-xr-x 0/0 d/program", "-r--r--r-- 0/0 d/text"]);
  });

  test("a name that the image does not have is root, which the step says", async () => {
    const { code, err } = await rig.build(rig.context({ Dockerfile: "FROM accounts\nCOPY --chown=wbe a /\n", a: "" }));
    expect(code).toBe(0);
    expect(err).toContain('the image has no "wbe" in /etc/passwd, which --chown names: the files are root\'s');
  });
});

describe("COPY --from", () => {
  test("follows an image's links and keeps modes and owners, as docker does, unless --chown says another", async () => {
    await rig.built("source", { Dockerfile: "FROM accounts\nCOPY --chown=web --chmod=0750 d /opt/d/\nCOPY links/ /\n", "d/x": "x", "links/l": { link: "opt/d" } });
    const { layers } = await rig.built("from", { Dockerfile: "FROM scratch\nCOPY --from=source /opt/d /d/\nCOPY --from=source /l/x /x\nCOPY --from=source opt/*/x /y\nCOPY --from=source --chown=0 /l/x /z\n" });
    expect(layers.map((layer) => shown(layer))).toEqual([
      ["drwxr-xr-x 0/0 d/", "-rwxr-x--- 101/102 d/x"],
      ["-rwxr-x--- 101/102 x"],
      ["-rwxr-x--- 101/102 y"],
      ["-rwxr-x--- 0/0 z"],
    ]);
  });
});

test("a pattern that matches nothing copies nothing, as with docker, and says so", async () => {
  const { code, err } = await rig.build(rig.context({ Dockerfile: "FROM accounts\nCOPY *.lock /\n" }));
  expect(code).toBe(0);
  expect(err).toMatch(/^#\d+ \d+\.\d+ nothing to copy: no file in the build context matches "\*\.lock"$/m);
});

describe("what cannot be copied", () => {
  test.each<[line: string, message: RegExp, hint?: string]>([
    ["COPY missing /", /"missing" is not in the build context/],
    ["COPY mian.c /", /"mian.c" is not in the build context/, 'did you mean "main.c"?'],
    ["COPY ../outside /", /"..\/outside" is not in the build context \(a path cannot leave the build context\)/],
    ["COPY away /", /"away" is a symbolic link to "\/nowhere\/file", which is not in the build context/],
    ["COPY up/passwd /", /"up\/passwd" is not in the build context/],
    ["COPY log.txt /", /"log.txt" is not in the build context: excluded by .dockerignore, line 2: "\*.txt"/],
    ["COPY loop /", /too many symbolic links on the way to "loop"/],
    ["COPY main.c /f\nCOPY dir /f", /cannot copy the directory "\/dir" to "\/f": a file of that name is in the image/],
    ["COPY --from=accounts /etc/pawsswd /", /"\/etc\/pawsswd" is not in/, 'did you mean "passwd"?'],
  ])("%s", async (line, message, hint) => {
    const files = {
      Dockerfile: `FROM accounts\n${line}\n`, "main.c": "c", "dir/x": "x", "log.txt": "l", ".dockerignore": "# logs\n*.txt\n",
      away: { link: "/nowhere/file" }, up: { link: "../../../../../../etc" }, loop: { link: "loop" },
    };
    const { code, err } = await rig.build(rig.context(files));
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err).toMatch(/^ +[23] \| >>> COPY/m);
    if (hint !== undefined) expect(err).toContain(hint);
  });
});

test("what umoci and skopeo see of an image is what was copied", async ({ skip }) => {
  for (const name of ["skopeo", "umoci"]) {
    try {
      tool(name, ["--version"]);
    } catch {
      skip(`${name} is not installed`);
    }
  }
  await rig.built("seen", { Dockerfile: "FROM scratch\nCOPY d /d\nENV A=1\nCMD [\"x\"]\n", "d/run": { text: "#!", mode: 0o755 }, "d/l": { link: "run" } });
  const place = path.join(rig.directory, "seen");
  mkdirSync(place);
  await rig.ok(["save", "-o", `${place}.tar`, "seen"]);
  const config = JSON.parse(tool("skopeo", ["inspect", "--config", `docker-archive:${place}.tar`]).toString()) as { config: unknown };
  expect(config.config).toMatchObject({ Env: expect.arrayContaining(["A=1"]) as unknown, Cmd: ["x"] });
  tool("skopeo", ["copy", "-q", `docker-archive:${place}.tar`, `oci:${place}/oci:seen`]);
  tool("umoci", ["unpack", ...(process.geteuid!() === 0 ? [] : ["--rootless"]), "--image", `${place}/oci:seen`, `${place}/bundle`]);
  expect(tool("find", [".", "-mindepth", "1", "-printf", "%M %p %l\n"], { cwd: `${place}/bundle/rootfs` }).toString().split("\n").sort().filter(Boolean)).toEqual([
    "-rwxr-xr-x ./d/run ", "drwxr-xr-x ./d ", "lrwxrwxrwx ./d/l run",
  ]);
});

test("a sparse file of another image is copied with its holes as zeros", async () => {
  const root = path.join(rig.directory, "sparse");
  mkdirSync(root);
  tool("sh", ["-c", "printf begin > holes && truncate -s 3M holes && printf end >> holes"], { cwd: root });
  tool("tar", ["--sparse", "--format=posix", "-C", root, "-cf", `${root}.tar`, "holes"]);
  await rig.ok(["import", `${root}.tar`, "sparse"]);
  const built = await rig.built("from-sparse", { Dockerfile: "FROM scratch\nCOPY --from=sparse /holes /copy\n" });
  expect(built.text("copy") === `begin${"\0".repeat((3 << 20) - 5)}end`).toBe(true);
});
