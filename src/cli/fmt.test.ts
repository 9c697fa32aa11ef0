import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { ImageRig } from "../testing/images.ts";

const BEFORE = "from scratch\ncopy   a  /\n";
const AFTER = "FROM scratch\nCOPY a /\n";

describe("laminate fmt", () => {
  let rig: ImageRig;
  const write = (name: string, text: string | Buffer): string => {
    const place = path.join(rig.directory, name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, text);
    return place;
  };
  beforeEach(() => {
    const fresh = new ImageRig();
    rig = fresh;
    return () => fresh[Symbol.asyncDispose]();
  });

  test("writes the Dockerfile here anew, names it, and then has nothing more to do", async () => {
    const file = write("Dockerfile", BEFORE);
    chmodSync(file, 0o640);
    expect(await rig.run(["fmt"])).toEqual({ code: 0, out: "Dockerfile\n", err: "" });
    expect(readFileSync(file, "utf8")).toBe(AFTER);
    expect(statSync(file).mode & 0o7777).toBe(0o640);
    expect(await rig.run(["fmt"])).toEqual({ code: 0, out: "", err: "" });
    expect(readdirSync(rig.directory).filter((name) => name.includes("Dockerfile"))).toEqual(["Dockerfile"]);
  });

  test("takes files, directories and links, and leaves a link one", async () => {
    const file = write("docker/web.Dockerfile", BEFORE);
    write("app/Dockerfile", BEFORE);
    symlinkSync("docker/web.Dockerfile", path.join(rig.directory, "link"));
    expect(await rig.run(["fmt", "link", "app"])).toMatchObject({ code: 0, out: "link\napp/Dockerfile\n" });
    expect(readFileSync(file, "utf8")).toBe(AFTER);
    expect(readlinkSync(path.join(rig.directory, "link"))).toBe("docker/web.Dockerfile");
  });

  test("formats standard input to standard output", async () => {
    expect(await rig.run(["fmt", "-"], [Buffer.from(BEFORE)])).toEqual({ code: 0, out: AFTER, err: "" });
  });

  test("--check names what is not formatted and exits with 1, --diff shows it; neither changes a file", async () => {
    const file = write("Dockerfile", BEFORE);
    write("good", AFTER);
    expect(await rig.run(["fmt", "--check", "Dockerfile", "good"])).toEqual({ code: 1, out: "Dockerfile\n", err: "" });
    expect(await rig.run(["fmt", "--check", "good"])).toEqual({ code: 0, out: "", err: "" });
    const diff = "--- Dockerfile\n+++ Dockerfile\n@@ -1,2 +1,2 @@\n-from scratch\n-copy   a  /\n+FROM scratch\n+COPY a /\n";
    expect(await rig.run(["fmt", "--diff"])).toEqual({ code: 0, out: diff, err: "" });
    expect(await rig.run(["fmt", "--check", "--diff"])).toEqual({ code: 1, out: diff, err: "" });
    expect(readFileSync(file, "utf8")).toBe(BEFORE);
  });

  test("a file with a mistake stays as it is, and the others are formatted all the same", async () => {
    write("bad", "from scratch\nRNU x\n");
    const good = write("good", BEFORE);
    const { code, out, err } = await rig.run(["fmt", "bad", "good"]);
    expect({ code, out }).toEqual({ code: 1, out: "good\n" });
    expect(err).toMatch(/^laminate: bad:2:1: unknown instruction "RNU"\n.*\n.*\ndid you mean RUN\?\n$/);
    expect(readFileSync(good, "utf8")).toBe(AFTER);
  });

  test("a file that is not UTF-8 is refused, and keeps its bytes", async () => {
    const bytes = Buffer.from("from scratch\n# caf\xe9\n", "latin1");
    const file = write("Dockerfile", bytes);
    expect(await rig.run(["fmt"])).toMatchObject({ code: 1, out: "", err: expect.stringContaining("not UTF-8 text") as string });
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});
