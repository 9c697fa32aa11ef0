import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openStore } from "../store/store.ts";
import { BuildRig } from "../testing/builds.ts";

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

const layers = () => readdirSync(join(rig.root, "layers")).length;
const blobs = () => readdirSync(join(rig.root, "blobs/sha256")).length;

/** Builds a file into an image; gives its ID. */
async function built(name: string, text: string): Promise<string> {
  const { code, err } = await rig.build("-q", "-t", name, rig.context({ Dockerfile: "FROM base\nCOPY f /f\n", f: text }));
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return (await rig.ok(["images", "-q", "--no-trunc", name])).trim();
}

describe("rmi", () => {
  test("frees at once the layers and blobs of an image that nothing else needs, and says which", async () => {
    const before = [layersOrNone(), 0];
    const id = await rig.image("alone:1", { only: "here" });
    const [layer] = (await rig.ok(["inspect", "-f", "{{index .RootFS.Layers 0}}", "alone:1"])).split("\n");
    expect(await rig.ok(["rmi", "alone:1"])).toBe(`Untagged: alone:1\nDeleted: ${id}\nDeleted: ${layer}\n`);
    expect([layers(), blobs()]).toEqual(before);
  });

  test("leaves layers that another image, the build cache or a container needs", async () => {
    await rig.image("base");
    const id = await built("top:1", "x");
    expect(await rig.ok(["rmi", "top:1"])).toBe(`Untagged: top:1\nDeleted: ${id}\n`);
    expect(layers()).toBe(2);
    const again = await rig.build("-t", "top:1", rig.context({ Dockerfile: "FROM base\nCOPY f /f\n", f: "x" }));
    expect(again.err).toMatch(/COPY f \/f\n#\d+ CACHED/);
  });

  test("removes an image whose manifest is damaged; prune says which image it cannot read until then, and removes nothing", async () => {
    await rig.image("hurt:1", { hurt: "yes" });
    const store = await openStore(rig.root);
    const { id, manifest } = store.images.get("docker.io/library/hurt:1")!;
    writeFileSync(store.content.path(manifest.digest), "{");
    await store[Symbol.asyncDispose]();
    const had = layers();
    const { code, err } = await rig.run(["image", "prune", "-f"]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`read the image ${id}`) as unknown });
    expect(err).toContain(`laminate rmi -f ${id.slice(7, 19)}`);
    expect(layers()).toBe(had);
    await rig.ok(["rmi", "-f", id.slice(7, 19)]);
    await rig.ok(["image", "prune", "-f"]);
    expect(layers()).toBe(had - 1);
  });
});

describe("builder prune", () => {
  test("removes what only the cache has; with -a also the records of what images share, whose layers stay", async () => {
    await rig.ok(["rmi", "-f", "top:1"]);
    const pruned = await rig.ok(["builder", "prune", "-f"]);
    expect(pruned).toMatch(/^Deleted build cache objects:\nsha256:[0-9a-f]{64}\n\nTotal reclaimed space: [\d.]+k?B\n$/);
    expect(layers()).toBe(1);
    await built("top:1", "x");
    expect(await rig.ok(["builder", "prune", "-f"])).toBe("Total reclaimed space: 0B\n");
    expect(await rig.ok(["builder", "prune", "-af"])).toMatch(/^Deleted build cache objects:\nsha256:[0-9a-f]{64}\n\nTotal reclaimed space: 0B\n$/);
    expect(layers()).toBe(2);
  });

  test("is named as the cause when the step runs again, until it has run", async () => {
    const context = rig.context({ Dockerfile: "FROM base\nCOPY f /f\n", f: "named" });
    await rig.build("-t", "top:2", context);
    await rig.ok(["builder", "prune", "-af"]);
    expect((await rig.build("-t", "top:2", context)).err).toMatch(/COPY f \/f runs again: its record was removed by prune on \d{4}-\d\d-\d\d/);
    expect((await rig.build("-t", "top:2", context)).err).toMatch(/COPY f \/f\n#\d+ CACHED/);
  });

  test("keeps what was used since --filter until, and the latest used up to --max-used-space", async () => {
    await built("old:1", "a".repeat(5000));
    await built("old:2", "b".repeat(5000));
    await rig.ok(["rmi", "old:1", "old:2"]);
    expect(await rig.ok(["builder", "prune", "-f", "--filter", "until=1h"])).toBe("Total reclaimed space: 0B\n");
    expect((await rig.ok(["builder", "prune", "-f", "--max-used-space", "10kb"])).match(/sha256:/g)).toHaveLength(1);
    expect((await rig.ok(["builder", "prune", "-f", "--filter", "until=0s"])).match(/sha256:/g)).toHaveLength(1);
  });
});

describe("builder prune with limits", () => {
  test("says with --dry-run of each part whether it goes and why, and removes nothing", async () => {
    await rig.ok(["builder", "prune", "-af"]);
    await built("planned:1", "a".repeat(5000));
    await built("planned:2", "b".repeat(5000));
    await rig.ok(["rmi", "planned:1"]);
    const had = layers();
    const plan = await rig.ok(["builder", "prune", "--dry-run"]);
    expect(plan).toMatch(/^goes {3}sha256:[0-9a-f]{64} {2}regular, [\d.]+kB, last used .*: no image and no process needs it$/m);
    expect(plan).toMatch(/^stays {2}sha256:[0-9a-f]{64} .*: an image has its layer too \(--all takes it\)$/m);
    expect(plan).toMatch(/^Would reclaim: [\d.]+kB$/m);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--filter", "until=1h"])).toMatch(/: used since --filter until\n(?:.*\n)*Would reclaim: 0B\n$/);
    expect(layers()).toBe(had);
  });

  test("keeps what is reserved, and frees as much of the disk as is asked for", async () => {
    await rig.ok(["rmi", "-f", "planned:2"]);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--max-used-space", "1kb"])).not.toMatch(/^stays/m);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--max-used-space", "1kb", "--reserved-space", "1gb"])).not.toMatch(/^goes/m);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--min-free-space", "1b"])).not.toMatch(/^goes/m);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--min-free-space", "900tb"])).not.toMatch(/^stays/m);
    expect((await rig.ok(["builder", "prune", "-f", "--min-free-space", "900tb"])).match(/sha256:/g)).toHaveLength(2);
  });
});

describe("image prune", () => {
  test("removes images without a name; with -a those that no container uses; as --filter chooses", async () => {
    const first = await rig.image("moved:1", { a: "1" }, ["LABEL keep=no"]);
    await rig.image("moved:1", { a: "2" }, ["LABEL keep=yes"]);
    expect(await rig.ok(["image", "prune", "-f", "--filter", "label=keep=yes"])).not.toContain("deleted");
    expect(await rig.ok(["image", "prune", "-f", "--filter", "until=1h"])).not.toContain("deleted");
    expect(await rig.ok(["image", "prune", "-f"])).toContain(`Deleted Images:\ndeleted: ${first}\n`);
    expect(await rig.ok(["image", "prune", "-af", "--filter", "label!=keep"])).not.toContain("moved");
    expect(await rig.ok(["image", "prune", "-af", "--filter", "label=keep"])).toContain("untagged: moved:1\n");
    expect(await rig.run(["image", "prune", "-f", "--filter", "untill=1h"])).toMatchObject({ code: 1, err: "laminate: invalid filter 'untill'\ndid you mean until?\n" });
    expect(await rig.run(["image", "prune", "-f", "--filter", "until=soon"])).toMatchObject({ code: 1, err: expect.stringContaining('failed to parse value as time or duration: "soon"') as unknown });
  });

  test("asks first, and only yes is yes", async () => {
    const id = await rig.image("asked", { asked: "1" });
    await rig.image("asked", { asked: "2" });
    expect(await rig.run(["image", "prune"], [Buffer.from("\n")])).toMatchObject({ code: 0, out: "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] " });
    expect((await rig.run(["image", "prune"], [Buffer.from("y\n")])).out).toContain(`deleted: ${id}`);
  });
});

describe("what a process at work holds", () => {
  test("stays until that process ends, even killed", async () => {
    const store = await openStore(rig.root);
    const { digest } = await store.content.put(Buffer.from(`held by ${process.pid}`));
    await rig.ok(["system", "prune", "-f"]);
    expect(store.content.has(digest)).toBe(true);
    await store[Symbol.asyncDispose]();
    const script = `const { openStore } = await import(${JSON.stringify(join(import.meta.dirname, "../store/store.ts"))}); const store = await openStore(process.argv[1]); await store.content.put(Buffer.from("of a child")); console.log("put"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, rig.root], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await rig.ok(["system", "prune", "-f"]);
    const others = blobs();
    expect(existsSync(store.content.path(digest))).toBe(false);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await rig.ok(["system", "prune", "-f"]);
    expect(blobs()).toBe(others - 1);
  });
});

describe("system df", () => {
  test("sums up in docker's columns, and with -v line by line", async () => {
    await rig.image("base");
    await built("df:1", "d".repeat(2000));
    const lines = (await rig.ok(["system", "df"])).split("\n");
    expect(lines[0]).toMatch(/^TYPE {2,}TOTAL {2,}ACTIVE {2,}SIZE {2,}RECLAIMABLE$/);
    expect(lines.slice(1, 5).map((line) => line.split(/ {2,}/)[0])).toEqual(["Images", "Containers", "Local Volumes", "Build Cache"]);
    expect(JSON.parse((await rig.ok(["system", "df", "--format", "json"])).split("\n")[1]!)).toEqual({ Active: "0", Reclaimable: "0B", Size: "0B", TotalCount: "0", Type: "Containers" });
    const whole = await rig.ok(["system", "df", "-v"]);
    expect(whole).toMatch(/^Images space usage:\n\nREPOSITORY {2,}TAG {2,}IMAGE ID {2,}CREATED {2,}SIZE {2,}SHARED SIZE {2,}UNIQUE SIZE {2,}CONTAINERS\n/);
    expect(whole).toMatch(/\ndf +1 +[0-9a-f]{12} .*kB +\d.* 0\n/);
    expect(whole).toMatch(/\nBuild cache usage: [\d.]+k?B\n\nCACHE ID {2,}CACHE TYPE /);
    expect(await rig.run(["system", "df", "-v", "--format", "json"])).toMatchObject({ code: 125 });
  });
});

function layersOrNone(): number {
  return existsSync(join(rig.root, "layers")) ? layers() : 0;
}

