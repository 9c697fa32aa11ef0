import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

  test("is named too where no build is left to compare with; else another Dockerfile of the context says once that it was never built here", async () => {
    const context = rig.context({ Dockerfile: "FROM base\nCOPY f /f\n", other: "FROM base\nCOPY f /g\nCOPY f /h\n", f: "alone" });
    expect((await rig.build(context)).err).not.toContain("MISS");
    const { err } = await rig.build("-f", `${context}/other`, context);
    expect(err).toMatch(/MISS \[2\/3\] COPY f \/g runs: never built here\n/);
    expect(err.match(/MISS/g)).toHaveLength(1);
    expect(await rig.ok(["why"])).toMatch(/COPY f \/h ran: never built here\n/);
    await rig.ok(["builds", "rm", "--all"]);
    await rig.ok(["builder", "prune", "-af"]);
    expect((await rig.build(context)).err).toMatch(/COPY f \/f runs again: its record was removed by prune on \d{4}-\d\d-\d\d\n/);
  });

  test("keeps what was used since --filter until, and the latest used up to --max-used-space", async () => {
    await built("old:1", "a".repeat(5000));
    await built("old:2", "b".repeat(5000));
    await rig.ok(["rmi", "old:1", "old:2"]);
    expect(await rig.ok(["builder", "prune", "-f", "--filter", "until=1h"])).toBe("Total reclaimed space: 0B\n");
    expect((await rig.ok(["builder", "prune", "-f", "--max-used-space", "20kb"])).match(/sha256:/g)).toHaveLength(1);
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
    expect(plan).toMatch(/^goes {3}sha256:[0-9a-f]{64} {2}\[2\/2\] COPY f \/f {2}regular, [\d.]+kB, \d+\.\ds to make, used last .*: no image and no process needs it$/m);
    expect(plan).toMatch(/^stays {2}sha256:[0-9a-f]{64} .*: an image has its layer too \(--all takes it\)$/m);
    expect(plan).toMatch(/^Would reclaim: [\d.]+kB$/m);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--filter", "until=1h"])).toMatch(/: not of --filter until=1h\n(?:.*\n)*Would reclaim: 0B\n$/);
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

describe("builder prune --filter", () => {
  const kept = new Map<string, string>();
  /** The descriptions of what would go. */
  const going = async (...filters: readonly string[]): Promise<string[]> => {
    const plan = await rig.ok(["builder", "prune", "--all", "--dry-run", ...filters.flatMap((filter) => ["--filter", filter])]);
    return [...plan.matchAll(/^goes {3}(\S+)/gm)].map(([, id]) => kept.get(id!)!).sort();
  };

  beforeAll(async () => {
    await rig.ok(["system", "prune", "-af"]);
    await rig.image("base");
    await built("shared", "s");
    await built("private", "p");
    await rig.ok(["rmi", "private"]);
    const { BuildCache } = JSON.parse(await rig.ok(["system", "df", "-v", "--format", "json"])) as { readonly BuildCache: readonly { readonly ID: string; readonly Shared: boolean }[] };
    for (const { ID, Shared } of BuildCache) kept.set(ID, Shared ? "shared" : "private");
  });

  test("chooses by what a part is: =, != and ~= as in BuildKit, all of several", async () => {
    const [id] = [...kept].find(([, name]) => name === "private")!;
    expect(await going()).toEqual(["private", "shared"]);
    expect(await going("shared")).toEqual(["shared"]);
    expect(await going("private=true")).toEqual(["private"]);
    expect(await going("shared=0")).toEqual(["private"]);
    expect(await going(`id=${id}`)).toEqual(["private"]);
    expect(await going(`id=${id.slice(7, 15)}`)).toEqual(["private"]);
    expect(await going(`id!=${id}`)).toEqual(["shared"]);
    expect(await going("type=regular")).toEqual(["private", "shared"]);
    expect(await going("type!=regular")).toEqual([]);
    expect(await going("type=exec.cachemount")).toEqual([]);
    expect(await going("type=source.local")).toEqual([]);
    expect(await going("description~=COPY f")).toEqual(["private", "shared"]);
    expect(await going("description~=RUN")).toEqual([]);
    expect(await going("mutable")).toEqual([]);
    expect(await going("immutable", "private")).toEqual(["private"]);
    expect(await going("inuse")).toEqual([]);
    expect(await rig.ok(["builder", "prune", "--dry-run", "--filter", "mutable"])).not.toContain("--all takes it");
    expect(await going("inuse=false", "shared")).toEqual(["shared"]);
    expect(await going("description", "id", "type")).toEqual(["private", "shared"]);
    expect(await going("unused-for=1h")).toEqual([]);
    expect(await going("until=0s", "private")).toEqual(["private"]);
  });

  test("says what is wrong with one", async () => {
    const wrong = async (filter: string) => (await rig.run(["builder", "prune", "--dry-run", "--filter", filter])).err;
    expect(await wrong("untill=1h")).toBe("laminate: invalid filter 'untill'\ndid you mean until?\n");
    expect(await wrong("type=regula")).toContain("did you mean regular?");
    expect(await wrong("shared=perhaps")).toContain("neither true nor false");
    expect(await wrong("description~=(")).toContain("no regular expression");
    expect(await wrong("parents=sha256:1")).toContain("has no parents");
    expect(await wrong("id!abc")).toContain("invalid filter 'id!abc'\nKEY=VALUE");
    for (const filter of ["until!=1h", "until~=1h", "unused-for"]) expect(await wrong(filter)).toMatch(/^laminate: filter .*: \S+ is given as \S+=24h\n$/);
  });

  test("with --verbose each part that goes says what it was and why it went; --keep-storage is --reserved-space", async () => {
    expect(await rig.ok(["builder", "prune", "-f", "--keep-storage", "1gb"])).toBe("Total reclaimed space: 0B\n");
    const gone = await rig.ok(["builder", "prune", "-f", "--verbose"]);
    expect(gone).toMatch(/^sha256:\p{Hex}{64} {2}\[2\/2\] COPY f \/f {2}regular, [\d.]+kB, .*: no image and no process needs it$/mu);
  });
});

describe("--dry-run", () => {
  test("of each image, container and part of the cache says whether it goes and why; what would be free is what then is", async () => {
    await rig.ok(["system", "prune", "-af"]);
    await rig.image("base");
    await built("named:1", "1");
    await built("moved:2", "2");
    await built("moved:2", "3");
    expect(await rig.ok(["container", "prune", "--dry-run"])).toBe("Would reclaim: 0B\n");
    const images = await rig.ok(["image", "prune", "--dry-run"]);
    expect(images).toMatch(/^goes {3}image \p{Hex}{12} {2}<none>: it has no name, and no container uses it$/mu);
    expect(images).toMatch(/^stays {2}image \p{Hex}{12} {2}named:1: it has a name \(--all takes it\)$/mu);
    expect(await rig.ok(["image", "prune", "--all", "--dry-run", "--filter", "until=1h"])).toMatch(/named:1: made since --filter until$/m);
    expect(await rig.ok(["image", "prune", "--all", "--dry-run", "--filter", "label=x"])).toMatch(/named:1: not of --filter label$/m);
    const plan = await rig.ok(["system", "prune", "--all", "--dry-run"]);
    expect(plan).toMatch(/^goes {3}image \p{Hex}{12} {2}named:1: no container uses it$/mu);
    expect(plan).toMatch(/^goes {3}sha256:\p{Hex}{64} {2}\[2\/2\] COPY f \/f {2}regular, .*: no image and no process needs it$/mu);
    const [free] = /(?<=Would reclaim: ).*/.exec(plan)!;
    expect(free).not.toBe("0B");
    expect(await rig.ok(["system", "prune", "-af"])).toContain(`Total reclaimed space: ${free}\n`);
  });
});

describe("what is left of records that were removed", () => {
  test("is a note each, the newest thousand; how like steps were found goes with them", async () => {
    await rig.image("base");
    await built("noted", "n");
    await using store = await openStore(rig.root);
    const one = { kind: "step", uses: 1 } as const;
    store.transaction(() => store.cache.remove(Array.from({ length: 1200 }, (_, at) => ({ ...one, key: `sha256:${at}` })), Date.now()));
    expect(store.records.keys("removed-steps")).toHaveLength(1000);
    expect(store.records.keys("like-steps")).toHaveLength(1);
    await rig.ok(["builder", "prune", "-af"]);
    expect(store.records.keys("like-steps")).toEqual([]);
    expect(store.records.keys("steps")).toEqual([]);
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

function layersOrNone(): number {
  return existsSync(join(rig.root, "layers")) ? layers() : 0;
}

