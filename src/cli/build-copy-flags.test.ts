import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { BuildRig, type BuiltImage, type ContextFile } from "../testing/builds.ts";
import { gitRepository, served } from "../testing/served.ts";

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

/** As the real docker (28.5, BuildKit) was given it: what it left out or kept is what is expected below. */
const FILES: Readonly<Record<string, ContextFile>> = { "a.md": "root", "a.txt": "", "hom1.md": "", "hom1/x.md": "", "hom1/y": "", "d/a.md": "d", "d/b": { text: "", mode: 0o640 }, "d/e/a.md": "e", "d/e/c": "c" };

/** The names below a directory of the last layer, sorted. */
function below(image: BuiltImage, directory: string): string {
  return image.layers.at(-1)!.map(({ path: name }) => name).filter((name) => name.startsWith(`${directory}/`) && name !== `${directory}/`).map((name) => name.slice(directory.length + 1)).sort().join(" ");
}

describe("COPY --exclude", () => {
  test.each([
    ["--exclude=*.md . /t/", "Dockerfile a.txt d/ d/a.md d/b d/e/ d/e/a.md d/e/c hom1/ hom1/x.md hom1/y"],
    ["--exclude=a.md d /t/", "b e/ e/a.md e/c"],
    ["--exclude=**/a.md d /t/", "b e/ e/c"],
    ["--exclude=d/a.md d /t/", "a.md b e/ e/a.md e/c"],
    ["--exclude=*.md hom* /t/", "hom1.md y"],
    ["--exclude=a.md a.md a.txt /t/", "a.md a.txt"],
    ["--exclude=e d /t/", "a.md b"],
    ["--exclude=e/* d /t/", "a.md b e/"],
    ["--exclude=**/a.md --exclude=!e/a.md --exclude=b d /t/", "e/ e/a.md e/c"],
  ])("%s", async (words, expected) => {
    expect(below(await rig.built("exclude", { Dockerfile: `FROM scratch\nARG x=b\nCOPY ${words.replace("=b ", "=$x ")}\n`, ...FILES }), "t")).toBe(expected);
  });

  test("leaves what it leaves out outside the key, and is for ADD too", async () => {
    const directory = rig.context({ Dockerfile: "FROM scratch\nADD --exclude=e d /t/\n", ...FILES });
    expect((await rig.build(directory)).code).toBe(0);
    writeFileSync(path.join(directory, "d/e/c"), "other");
    expect((await rig.build(directory)).err).toMatch(/ADD --exclude[^\n]*\n#\d+ CACHED/);
  });
});

describe("COPY --parents", () => {
  test.each([
    ["d/e/c hom1/*.md /t/", "d/ d/e/ d/e/c hom1/ hom1/x.md"],
    ["./d/./e /t/", "e/ e/a.md e/c"],
    ["**/a.md /t", "a.md d/ d/a.md d/e/ d/e/a.md"],
    ["d/*/./c nothere* /t/", "c"],
    ["--exclude=d/e --exclude=*.md --exclude=Docker* --exclude=hom1 . /t/", "a.txt d/ d/a.md d/b"],
    ["link /t/", "link"],
  ])("%s", async (words, expected) => {
    const image = await rig.built("parents", { Dockerfile: `FROM scratch\nCOPY --parents ${words}\n`, ...FILES, ...(words.startsWith("link") ? { link: { link: "d/e" } } : {}) });
    expect(below(image, "t")).toBe(expected);
    expect(image.history.at(-1)).toBe(`COPY --parents ${words.replace(/--exclude=\S+ /g, "")} # buildkit`);
  });

  test("gives the directories on the way the source's mode, and owners as told", async () => {
    const Dockerfile = "FROM scratch AS made\nCOPY --chmod=700 d /x/y/\nFROM scratch\nCOPY --from=made --parents --chown=5:6 x/y/b /t/\n";
    const listed = (await rig.built("parents-modes", { Dockerfile, ...FILES })).layers.at(-1)!;
    expect(listed.filter(({ path: name }) => name.startsWith("t/")).map(({ path: name, mode, owner }) => `${mode} ${owner} ${name}`)).toEqual(["drwxr-xr-x 5/6 t/", "drwx------ 5/6 t/x/", "drwx------ 5/6 t/x/y/", "-rwx------ 5/6 t/x/y/b"]);
  });
});

test("COPY --parents of a path that is not there is refused, with the nearest", async () => {
  const { code, err } = await rig.build(rig.context({ Dockerfile: "FROM scratch\nCOPY --parents d/./e/cc /t/\n", ...FILES }));
  expect([code, err]).toEqual([1, expect.stringMatching(/"d\/\.\/e\/cc" is not in the build context[^]*did you mean "c"\?/)]);
});

describe("COPY --link", () => {
  const files = (base: string) => ({ Dockerfile: `FROM scratch AS base\nCOPY base /base\nCOPY link /\nFROM base\nCOPY --link --chown=1:2 a /l/\nADD --link a /m/a\n`, base, link: { link: "base" } as const, a: "a" });

  test("is a layer that says nothing of the tree below, whose links it does not follow", async () => {
    const Dockerfile = "FROM scratch AS base\nCOPY tree /\nFROM base\nCOPY --link a /l/\n";
    const image = await rig.built("link", { Dockerfile, a: "a", "tree/real/x": "", "tree/l": { link: "real" } });
    expect(image.layers.at(-1)!.map(({ path: name, mode }) => `${mode} ${name}`)).toEqual(["drwxr-xr-x l/", "-rw-r--r-- l/a"]);
    expect(image.history.at(-1)).toBe("COPY a /l/ # buildkit");
  });

  test("stays cached, the same layer, over another base", async () => {
    const first = await rig.built("link-one", files("one"));
    const directory = rig.context(files("two"));
    const { code, err } = await rig.build("-t", "link-two", directory);
    expect(code).toBe(0);
    expect(err).toMatch(/COPY --link[^\n]*\n#\d+ CACHED/);
    expect(err).toMatch(/ADD --link[^\n]*\n#\d+ CACHED/);
    const second = await rig.saved("link-two");
    expect(second.config.rootfs.diff_ids.slice(-2)).toEqual(first.config.rootfs.diff_ids.slice(-2));
    expect(second.config.rootfs.diff_ids[0]).not.toBe(first.config.rootfs.diff_ids[0]);
  });
});

describe("ADD", () => {
  test("--unpack unpacks what a URL gives, --unpack=false leaves an archive of the context whole", async () => {
    const source = rig.context({ inside: "in the archive" });
    const archive = spawnSync("tar", ["-C", source, "-czf", "-", "inside"]).stdout;
    await using server = await served((_, response) => response.end(archive));
    const Dockerfile = `FROM scratch\nADD --unpack ${server.url}/x.tgz /url/\nADD --unpack=false local.tgz /whole/\nADD --unpack=true local.tgz /local/\n`;
    const { layers } = await rig.built("unpack", { Dockerfile, "local.tgz": archive });
    expect(layers.slice(-3).map((layer) => layer.map(({ path: name }) => name).filter((name) => !name.endsWith("/")))).toEqual([["url/inside"], ["whole/local.tgz"], ["local/inside"]]);
  });

  test("--keep-git-dir keeps a repository's .git", async ({ skip }) => {
    if (spawnSync("git", ["--version"]).status !== 0) skip("git is not installed");
    const repository = gitRepository(rig.context({ b: "b" }));
    await using server = await served(repository.listener);
    const names = async (flag: string) => (await rig.built("git", { Dockerfile: `FROM scratch\nADD ${flag} ${server.url}/r.git /src\n` })).layers.at(-1)!.map(({ path: name }) => name);
    expect(await names("--keep-git-dir=false")).toEqual(["src/", "src/b"]);
    expect(await names("--keep-git-dir")).toContain("src/.git/HEAD");
  });
});
