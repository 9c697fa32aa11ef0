import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuildRig, BUSYBOX } from "../testing/builds.ts";
import { until } from "../testing/until.ts";

/** Programs are run by a command line of their own, as the container inherits its streams. */
describe.skipIf(BUSYBOX === undefined || !existsSync("/usr/bin/conmon"))("cp and export", () => {
  const name = `copied-${process.pid}`;
  let rig: BuildRig;

  beforeAll(async () => {
    rig = new BuildRig();
    await rig.busybox();
    await rig.ok(["run", "-d", "--network", "none", "--name", name, "busybox", "sh", "-c", "mkdir -p /srv/app/sub && echo one > /srv/app/one && echo two > /srv/app/sub/two && ln -s one /srv/app/link && touch /ready && sleep 1000"]);
    await until(async () => (await rig.run(["exec", name, "test", "-e", "/ready"])).code === 0);
  });

  afterAll(async () => {
    await rig.run(["rm", "-f", name]);
    await rig[Symbol.asyncDispose]();
  });

  const here = (...parts: readonly string[]) => join(rig.directory, ...parts);
  const file = (path: string) => readFileSync(here(path), "utf8");

  describe.each(["a running container", "a stopped container"])("%s", (which) => {
    const tag = which.split(" ")[1]!;

    beforeAll(async () => {
      if (tag === "stopped") await rig.ok(["stop", "-t", "0", name]);
    });

    test("a file to a new name, into a directory, over a file", async () => {
      await rig.ok(["cp", `${name}:/srv/app/one`, `new-${tag}`]);
      expect(file(`new-${tag}`)).toBe("one\n");
      mkdirSync(here(`into-${tag}`));
      await rig.ok(["cp", `${name}:srv/app/one`, `into-${tag}`]);
      expect(file(`into-${tag}/one`)).toBe("one\n");
      await rig.ok(["cp", `${name}:/srv/app/sub/two`, `new-${tag}`]);
      expect(file(`new-${tag}`)).toBe("two\n");
      expect(lstatSync(here(`new-${tag}`)).uid).toBe(process.getuid!());
    });

    test("a directory to a new name, into a directory, only its contents", async () => {
      await rig.ok(["cp", `${name}:/srv/app`, `tree-${tag}`]);
      expect(file(`tree-${tag}/sub/two`)).toBe("two\n");
      expect(readlinkSync(here(`tree-${tag}/link`))).toBe("one");
      await rig.ok(["cp", `${name}:/srv/app`, `tree-${tag}`]);
      expect(file(`tree-${tag}/app/one`)).toBe("one\n");
      await rig.ok(["cp", `${name}:/srv/app/sub/.`, `tree-${tag}`]);
      expect(file(`tree-${tag}/two`)).toBe("two\n");
    });

    test("a link itself, or with -L what it names", async () => {
      await rig.ok(["cp", `${name}:/srv/app/link`, `link-${tag}`]);
      expect(readlinkSync(here(`link-${tag}`))).toBe("one");
      await rig.ok(["cp", "-L", `${name}:/srv/app/link`, `followed-${tag}`]);
      expect(lstatSync(here(`followed-${tag}`)).isFile()).toBe(true);
    });

    test("files and directories into the container, where they are root's", async () => {
      mkdirSync(here(`put-${tag}/sub`), { recursive: true });
      writeFileSync(here(`put-${tag}/sub/x`), tag);
      await rig.ok(["cp", `put-${tag}`, `${name}:/srv`]);
      await rig.ok(["cp", `put-${tag}/sub/x`, `${name}:/srv/renamed-${tag}`]);
      await rig.ok(["cp", `${name}:/srv/put-${tag}/sub/x`, `back-${tag}`]);
      expect(file(`back-${tag}`)).toBe(tag);
      await rig.ok(["export", "-o", `all-${tag}.tar`, name]);
      const listed = execFileSync("tar", ["--numeric-owner", "-tvf", here(`all-${tag}.tar`)], { encoding: "utf8" });
      expect(listed).toMatch(new RegExp(`^-rw-r--r-- 0/0 .* srv/renamed-${tag}$`, "m"));
      expect(listed).toMatch(/^lrwxrwxrwx 0\/0 .* srv\/app\/link -> one$/m);
      expect(listed).toMatch(/ bin\/busybox$/m);
    });

    test("a tar in and out through -", async () => {
      const tar = execFileSync("tar", ["-C", here(`put-${tag}`), "-c", "sub"]);
      await rig.ok(["cp", "-", `${name}:/tmp`], [tar]);
      await rig.ok(["cp", `${name}:/tmp/sub/x`, `untarred-${tag}`]);
      expect(file(`untarred-${tag}`)).toBe(tag);
      await rig.ok(["cp", `${name}:/srv/app/sub`, "-"]);
    });

    test("links of the container lead nowhere out of it", async () => {
      writeFileSync(here("secret"), "secret");
      if (tag === "running") await rig.ok(["exec", name, "sh", "-c", `ln -s ${rig.directory} /srv/out && ln -s ${here("secret")} /srv/leak`]);
      for (const source of ["/srv/out/secret", "/srv/leak/."]) {
        const { code, err } = await rig.run(["cp", "-L", `${name}:${source}`, "leaked"]);
        expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`Could not find the file ${source}`) });
      }
      const { code } = await rig.run(["cp", `new-${tag}`, `${name}:/srv/out/planted`]);
      expect(code).toBe(1);
      expect(existsSync(here("planted")) || existsSync(here("leaked"))).toBe(false);
    });

    test("what cannot be copied is said", async () => {
      expect(await rig.run(["cp", `${name}:/nothing`, "."])).toMatchObject({ code: 1, err: expect.stringContaining("Could not find the file /nothing") });
      expect(await rig.run(["cp", `${name}:/srv/app`, `new-${tag}`])).toMatchObject({ code: 1, err: expect.stringContaining("cannot copy a directory to the file") });
      expect(await rig.run(["cp", `${name}:/srv/app/one`, "missing/"])).toMatchObject({ code: 1, err: expect.stringContaining("the directory does not exist") });
      expect(await rig.run(["cp", `${name}:/srv`, `${name}:/tmp`])).toMatchObject({ code: 125, err: expect.stringContaining("between containers is not supported") });
    });
  });
});
