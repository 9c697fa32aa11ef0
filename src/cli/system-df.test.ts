import { spawnSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, tool } from "../testing/builds.ts";
import { enterAsUser } from "../testing/sandbox/as-user.ts";
import { BIN } from "../testing/spawned.ts";

/* `system df` says where every byte is, and the disk agrees. */

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

/** What the disk says of the store. */
const disk = (): number => Number(tool("du", ["-s", "--block-size=1", rig.root]).toString().split("\t")[0]);

interface Row {
  readonly Type: string;
  readonly Bytes: number;
  readonly TotalCount: string;
}

async function rows(): Promise<Row[]> {
  return (await rig.ok(["system", "df", "--format", "json"])).trim().split("\n").map((line) => JSON.parse(line) as Row);
}

/** The bytes of each row, checked against the disk. */
async function bytes(): Promise<Readonly<Record<string, number>>> {
  const before = disk();
  const found = await rows();
  expect(found.reduce((sum, row) => sum + row.Bytes, 0)).toBe(before);
  expect(disk()).toBe(before);
  return Object.fromEntries(found.map((row) => [row.Type, row.Bytes]));
}

interface Whole {
  readonly Total: number;
  readonly By: Readonly<Record<string, number>>;
  readonly Images: readonly { readonly ID: string; readonly Names: readonly string[]; readonly Size: number; readonly SharedSize: number; readonly UniqueSize: number; readonly SharedWith: readonly string[] }[];
  readonly BuildCache: readonly { readonly Description: string; readonly Size: number; readonly Milliseconds: number; readonly Shared: boolean }[];
}

async function whole(): Promise<Whole> {
  return JSON.parse(await rig.ok(["system", "df", "-v", "--format", "json"])) as Whole;
}

describe.skipIf(BUSYBOX === undefined)("system df", () => {
  beforeAll(async () => {
    await rig.busybox();
    const files = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`many/d${at % 7}/f${at}`, `${at}`.repeat(at * 10)]));
    const context = rig.context({ ...files, "many/large": Buffer.alloc(6 << 20, "x"), Dockerfile: "FROM busybox\nCOPY many /many\nRUN --mount=type=cache,target=/kept echo kept > /kept/it; cp /many/large /copy; ln /copy /link; echo > '/name '\n" });
    await rig.ok(["build", "-q", "--network=none", "-t", "one", context]);
    writeFileSync(join(context, "many/d1/f1"), "other"); // a layer that shares files with the first one's
    await rig.ok(["build", "-q", "--network=none", "-t", "two", context]);
    writeFileSync(join(context, "many/d1/f1"), "third");
    await rig.ok(["build", "-q", "--network=none", "-t", "three", context]);
    await rig.ok(["rmi", "three"]);
  });

  test("adds up to what the disk says, hard links once, and changes nothing", async () => {
    const shared = readdirSync(join(rig.root, "layers")).filter((name) => readdirSync(join(rig.root, "layers", name)).includes("tar.parts"));
    expect(shared.length).toBeGreaterThan(0);
    const by = await bytes();
    expect(by["Images"]).toBeGreaterThan(6 << 20);
    for (const name of ["Build Cache", "Known Contexts", "Records and Logs", "Store"]) expect(by[name], name).toBeGreaterThan(0);
    expect(by["Temporary"]).toBeGreaterThan(0); // the directories alone
  });

  test("says so of what a killed build left, of a partial download, of a file beside its places", async () => {
    const before = await bytes();
    writeFileSync(join(rig.root, "partial", "a".repeat(64)), Buffer.alloc(100_000, 1));
    const left = join(rig.root, "layers", "b".repeat(64));
    mkdirSync(left);
    writeFileSync(join(left, "tar"), Buffer.alloc(50_000, 1));
    linkSync(join(left, "tar"), join(rig.root, "stray"));
    const after = await bytes();
    expect(after["Temporary"]! - before["Temporary"]!).toBeGreaterThan(150_000);
    expect(after["Images"]).toBe(before["Images"]);
  });

  test("says of each image what it shares and with which, of each part of the cache what it saves", async () => {
    const { Total, By, Images, BuildCache } = await whole();
    expect(Object.values(By).reduce((sum, one) => sum + one, 0)).toBe(Total);
    const [busybox, one, two] = ["busybox:latest", "one:latest", "two:latest"].map((name) => Images.find(({ Names }) => Names.includes(name))!);
    expect([...one!.SharedWith].sort()).toEqual([busybox!.ID, two!.ID].sort());
    for (const { Size, SharedSize, UniqueSize } of Images) expect(SharedSize + UniqueSize).toBe(Size);
    expect(busybox!.Size - busybox!.UniqueSize).toBe(busybox!.SharedSize);
    expect(BuildCache.find(({ Description, Shared }) => Description.includes("RUN") && Shared)).toMatchObject({ Milliseconds: expect.any(Number) as number });
  });

  test("has docker's columns and rows, and more below; with -v line by line", async () => {
    const lines = (await rig.ok(["system", "df"])).split("\n");
    expect(lines[0]).toMatch(/^TYPE {2,}TOTAL {2,}ACTIVE {2,}SIZE {2,}RECLAIMABLE$/);
    expect(lines.slice(1, -1).map((line) => line.split(/ {2,}/)[0])).toEqual(["Images", "Containers", "Local Volumes", "Build Cache", "Known Contexts", "Records and Logs", "Temporary", "Store", "Total"]);
    const told = await rig.ok(["system", "df", "-v"]);
    expect(told).toMatch(/^Images space usage: [\d.]+MB\n\nREPOSITORY {2,}TAG {2,}IMAGE ID {2,}CREATED {2,}SIZE {2,}SHARED SIZE {2,}UNIQUE SIZE {2,}CONTAINERS {2,}SHARED WITH\n/);
    expect(told).toMatch(/^one +latest +\p{Hex}{12} .*MB +[\d.]+MB +[\d.]+kB +0 +.*busybox:latest.*$/mu);
    expect(told).toMatch(/\nBuild cache usage: [\d.]+[kM]B\n\nCACHE ID {2,}CACHE TYPE /);
    expect(told).toMatch(/^\p{Hex}{12} +exec\.cachemount .*cache mount \/kept$/mu);
    expect(told).toContain(`(${disk()} bytes of the disk)\n`);
    expect(await rig.run(["system", "df", "-v", "--format", "table"])).toMatchObject({ code: 125 });
  });

  test("a prune frees what it says", async () => {
    const before = disk();
    const said = /Total reclaimed space: ([\d.]+)MB/.exec(await rig.ok(["system", "prune", "-af"]))![1]!;
    expect((before - disk()) / 1e6).toBeGreaterThan(6);
    expect(Math.abs(Number(said) - (before - disk()) / 1e6)).toBeLessThan(0.2); // the partial download, notes of records
    await bytes();
  });
});

describe.skipIf(BUSYBOX === undefined || process.geteuid?.() !== 0)("system df as an ordinary user", () => {
  test("adds up to what his own du says, where a step left a directory that he may not read; a cache limit holds there too", async () => {
    const directory = mkdtempSync(join(tmpdir(), "laminate-df-"));
    chmodSync(directory, 0o755);
    await using closing = new AsyncDisposableStack();
    closing.defer(() => rmSync(directory, { recursive: true, force: true }));
    const { prefix } = closing.use(await enterAsUser(directory));
    const store = join(directory, "store");
    const asUser = (...args: readonly string[]) => spawnSync(prefix[0]!, [...prefix.slice(1), ...args], { encoding: "utf8", env: { ...process.env, LAMINATE_CACHE_LIMIT: "3MB" } });
    const ok = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = asUser(BIN, "--root", store, ...args);
      expect({ args, status, ...(status === 0 ? {} : { stderr }) }).toEqual({ args, status: 0 });
      return stdout;
    };
    await using other = new BuildRig();
    await other.busybox();
    await other.ok(["save", "-o", join(directory, "busybox.tar"), "busybox"]);
    chmodSync(join(directory, "busybox.tar"), 0o644);
    ok("load", "-q", "-i", join(directory, "busybox.tar"));
    for (const n of [1, 2, 3]) {
      const context = other.context({ Dockerfile: `FROM busybox\nCOPY f /f\nRUN mkdir -m 700 /own && echo ${n} > /own/x && chown 5:5 /own && cp /f /g\n`, f: Buffer.alloc(1 << 20, n) });
      const place = join(directory, `context-${n}`);
      tool("cp", ["-r", context, place]);
      ok("build", "-q", "--network=none", "--output", "type=cacheonly", place);
    }
    const rows = ok("system", "df", "--format", "{{.Bytes}}").trim().split("\n").map(Number);
    const du = asUser("du", "-s", "--block-size=1", store); // it complains of the directory, and counts the rest
    expect(rows.reduce((sum, one) => sum + one, 0)).toBe(Number(du.stdout.split("\t")[0]));
    expect(rows[3]).toBeLessThan(2 * 3 * 2 ** 20);
    ok("builder", "prune", "-af");
  });
});
