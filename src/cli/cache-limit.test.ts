import { isObject } from "../base/shape.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../store/store.ts";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";

/* After a build the cache is kept within its limit: what saves least work for its size goes. */

const rig = new BuildRig();
afterAll(() => rig[Symbol.asyncDispose]());

const LARGE = Buffer.alloc(2_500_000, "x");
/** Room for one of the large layers with all that is small. */
const LIMIT = "4MB";

interface Part {
  readonly Description: string;
  readonly Size: number;
}

async function cache(): Promise<{ readonly bytes: number; readonly parts: readonly Part[] }> {
  const { By, BuildCache } = JSON.parse(await rig.ok(["system", "df", "-v", "--format", "json"])) as { readonly By: { readonly "Build Cache": number }; readonly BuildCache: readonly Part[] };
  return { bytes: By["Build Cache"], parts: BuildCache };
}

/** Builds with nothing kept but the cache; gives what was said. */
async function build(directory: string): Promise<string> {
  const { code, err } = await rig.build("--output", "type=cacheonly", directory);
  expect({ code, ...(code === 0 ? {} : { err }) }).toEqual({ code: 0 });
  return err;
}

/** What the store knows of the cache's size. */
async function known(): Promise<unknown> {
  await using store = await openStore(rig.root);
  return store.records.list("cache-size", isObject);
}

describe.skipIf(BUSYBOX === undefined)("a limit of the cache", () => {
  beforeAll(() => rig.busybox());
  beforeEach(async () => {
    delete rig.env["LAMINATE_CACHE_LIMIT"];
    await rig.ok(["system", "prune", "-f"]);
    await rig.ok(["builder", "prune", "-af"]);
  });

  /** A context whose first RUN is slow and small, and whose COPY is fast and large. */
  const project = () => rig.context({ Dockerfile: "FROM busybox\nRUN sleep 0.4; echo slow > /slow\nCOPY large /large\n", large: LARGE });

  test("is kept after a build that made something: the large that was made at once goes, the small that took long stays", async () => {
    rig.env["LAMINATE_CACHE_LIMIT"] = LIMIT;
    const directory = project();
    await build(directory);
    for (const edition of ["1", "2", "3"]) {
      writeFiles(directory, { large: Buffer.concat([LARGE, Buffer.from(edition)]) });
      await build(directory);
    }
    // What a build stood on stays until it has ended: the layer that it made its own of, too.
    const said = await build(rig.context({ Dockerfile: "FROM busybox\nCOPY other /other\n", other: Buffer.alloc(300_000, "y") }));
    expect(said).toMatch(/the build cache took more than [\d.]+MB or left too little of the disk free: (?:a part|\d parts) that saves? least work for \w+ size went \([\d.]+MB\)/);
    const { bytes, parts } = await cache();
    expect(bytes).toBeLessThan(4 * 2 ** 20);
    expect(parts.map(({ Description }) => Description)).toContain("[2/3] RUN sleep 0.4; echo slow > /slow");
    expect(parts.filter(({ Description }) => Description.includes("COPY large"))).toHaveLength(1); // whichever took a millisecond longer
    expect(await build(directory)).toMatch(/RUN sleep 0\.4; echo slow > \/slow\n#\d+ CACHED/);
  });

  test("takes nothing that an image has", async () => {
    rig.env["LAMINATE_CACHE_LIMIT"] = "1MB";
    const directory = project();
    await rig.ok(["build", "-q", "--network=none", "-t", "kept", directory]);
    writeFiles(directory, { large: Buffer.concat([LARGE, Buffer.from("other")]) });
    await build(directory);
    await build(project());
    expect((await rig.saved("kept")).layers).toHaveLength(3);
    await rig.ok(["rmi", "kept"]);
  });

  test("says of a step that ran again because of it that its record was removed", async () => {
    rig.env["LAMINATE_CACHE_LIMIT"] = LIMIT;
    const directory = project();
    await build(directory);
    await build(rig.context({ Dockerfile: "FROM busybox\nCOPY other /other\n", other: Buffer.alloc(3_000_000, "y") }));
    expect(await build(directory)).toMatch(/COPY large \/large runs again: its record was removed by prune on \d{4}-\d\d-\d\d/);
  });

  test("costs a build that finds everything nothing, and one that made little no look at the cache", async () => {
    rig.env["LAMINATE_CACHE_LIMIT"] = LIMIT;
    const directory = project();
    await build(directory);
    const before = await known();
    await build(directory);
    expect(await known()).toEqual(before);
    await build(rig.context({ Dockerfile: "FROM busybox\nRUN echo little > /little\n" }));
    expect(await known()).toMatchObject([{ value: { counted: (before as { value: { counted: number } }[])[0]!.value.counted } }]);
  });

  test("may be off, or wrong, which is a warning", async () => {
    const directory = project();
    rig.env["LAMINATE_CACHE_LIMIT"] = "off";
    for (const edition of ["1", "2", "3"]) {
      writeFiles(directory, { large: Buffer.concat([LARGE, Buffer.from(edition)]) });
      await build(directory);
    }
    expect((await cache()).bytes).toBeGreaterThan(6_000_000);
    rig.env["LAMINATE_CACHE_LIMIT"] = "much";
    writeFiles(directory, { large: "small" });
    expect(await build(directory)).toContain('LAMINATE_CACHE_LIMIT is "much", which is neither a size (20GB), nor a part of the disk (15%), nor off');
  });
});
