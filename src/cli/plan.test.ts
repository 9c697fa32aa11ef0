import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Plan } from "../explain/plan.ts";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";

/* A plan tells what a build would do, by the build's own keys, and does none of it. */

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const DOCKERFILE = "FROM busybox\nARG v=1\nCOPY deps /deps\nRUN sleep 0.2; cat /deps > /installed\nCOPY src /src\nRUN echo $v > /built\n";

async function built(dockerfile = DOCKERFILE, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const directory = rig.context({ Dockerfile: dockerfile, deps: "one\n", "src/a": "a\n", ...files });
  await rig.ok(["build", "-q", "--network=none", directory]);
  return directory;
}

async function planned(...args: readonly string[]): Promise<Plan> {
  return JSON.parse(await rig.ok(["plan", "--network=none", "--format=json", ...args])) as Plan;
}

/** What becomes of each step: `outcome instruction`. */
async function outcomes(...args: readonly string[]): Promise<string[]> {
  const { steps } = await planned(...args);
  return steps.filter(({ outcome }) => outcome !== "source").map(({ outcome, title, ifSame = "" }) => `${outcome} ${title.replace(/^\[.*?\] /, "")} ${ifSame}`.trim());
}

/** Every name, time, size and byte below a directory. */
function fingerprint(directory: string): string {
  const hash = createHash("sha256");
  for (const name of (readdirSync(directory, { recursive: true }) as string[]).sort()) {
    const place = path.join(directory, name);
    const stat = lstatSync(place, { bigint: true });
    hash.update(`${name}\0${stat.mode}\0${stat.size}\0${stat.mtimeNs}\0${stat.ctimeNs}\0${stat.ino}\n`);
    if (stat.isFile()) hash.update(readFileSync(place));
    if (stat.isSymbolicLink()) hash.update(readlinkSync(place));
  }
  return hash.digest("hex");
}

describe.skipIf(BUSYBOX === undefined)("plan", () => {
  test("of a build that is as it was reuses every step; nothing is written", async () => {
    const directory = await built();
    const before = fingerprint(rig.root);
    expect(await outcomes(directory)).toEqual(["reused COPY deps /deps", "reused RUN sleep 0.2; cat /deps > /installed", "reused COPY src /src", "reused RUN echo 1 > /built"]);
    expect(await rig.ok(["plan", "--network=none", directory])).toMatch(/^Plan of Dockerfile in .*: 0 steps run, 4 reused$/m);
    expect(fingerprint(rig.root)).toBe(before);
  });

  test("as if a file had changed: what takes it runs for certain, what stands right on it too; nothing is written and no process started", async () => {
    const directory = await built();
    const before = fingerprint(rig.root);
    const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
    const own = children();
    const { steps, least, most } = await planned("--touch", "deps", directory);
    expect(children()).toBe(own);
    expect(steps.slice(-4).map(({ outcome, ifSame }) => [outcome, ifSame])).toEqual([["runs", undefined], ["runs", undefined], ["depends", "reused"], ["depends", "runs"]]);
    expect(steps.find(({ kind }) => kind === "copy")!.cause).toMatchObject({ kind: "files", changes: [{ path: "deps" }] });
    expect(least).toBeGreaterThanOrEqual(200);
    expect(most).toBeGreaterThanOrEqual(least);
    expect(fingerprint(rig.root)).toBe(before);
    // And so it is when the file does change.
    writeFiles(directory, { deps: "two\n" });
    const { err } = await rig.build(directory);
    expect(err.match(/^#\d+ CACHED$/gm)).toHaveLength(1);
  });

  test("names the cause of each step, and what an uncertain one depends on", async () => {
    const directory = await built("FROM busybox\nCOPY in /in\nRUN wc -c < /in > /size; rm /in\nRUN echo after > /after\n", { in: "12" });
    const told = await rig.ok(["plan", "--network=none", "--touch=in", directory]);
    expect(told).toMatch(/^runs +\d+\.\ds {2}\[2\/4\] COPY in \/in\n +in changed \(1 line\)\nruns +\d+\.\ds {2}\[3\/4\] RUN wc .*\n +it stands on \[2\/4\] COPY in \/in: in changed \(1 line\)$/m);
    expect(told).toMatch(/^may run +\d+\.\ds {2}\[4\/4\] RUN echo after > \/after\n.*\n +reused if \[3\/4\] RUN .* gives what it gave before$/m);
    // The RUN does give what it gave: the last step is found again.
    writeFiles(directory, { in: "34" });
    expect((await rig.build(directory)).err).toMatch(/CACHED \[4\/4\]|\[4\/4\].*\n.*CACHED/);
  });

  test("what makes no difference to a COPY's layer runs nothing", async () => {
    const directory = await built("FROM busybox\nCOPY deps /deps\nRUN echo 1 > /one\n");
    writeFiles(directory, { Dockerfile: "FROM busybox\nCOPY ./deps /deps\nRUN echo 1 > /one\n" });
    expect(await outcomes(directory)).toEqual(["reused COPY ./deps /deps", "reused RUN echo 1 > /one"]);
  });

  test("as if a build argument were another: the steps that have it run", async () => {
    const directory = await built("FROM busybox\nRUN echo first > /first\nARG v=1\nRUN echo $v > /v\n");
    expect(await outcomes("--arg", "v=2", directory)).toEqual(["reused RUN echo first > /first", "runs RUN echo 2 > /v"]);
    expect(await rig.ok(["plan", "--network=none", "--arg=v=2", directory])).toContain('build argument v changed from "1" to "2"');
  });

  test("as if a base image were another, or were a given one", async () => {
    await rig.built("other-base", { Dockerfile: "FROM busybox\nRUN echo other > /other\n" });
    const directory = await built("FROM busybox\nRUN echo first > /first\nRUN echo second > /second\n");
    expect(await outcomes("--base", "busybox", directory)).toEqual(["runs RUN echo first > /first", "depends RUN echo second > /second runs"]);
    expect(await outcomes("--base", "busybox=other-base", directory)).toEqual(["runs RUN echo first > /first", "depends RUN echo second > /second runs"]);
    expect(await rig.run(["plan", "--base", "busyboxx", directory])).toMatchObject({ code: 1, err: expect.stringContaining("did you mean busybox?") as string });
  });

  test("of several stages: what one takes from another depends on it, and stages that do not need one another take their times together", async () => {
    const dockerfile = "FROM busybox AS one\nCOPY deps /deps\nRUN sleep 0.3; wc -l < /deps > /lines\nFROM busybox AS two\nCOPY src /src\nRUN sleep 0.3\nFROM busybox\nCOPY --from=one /lines /\nCOPY --from=two /src /src\n";
    const directory = await built(dockerfile);
    expect((await outcomes("--touch=deps", directory)).sort()).toEqual([
      "depends COPY --from=one /lines / reused",
      "depends COPY --from=two /src /src reused",
      "reused COPY src /src",
      "reused RUN sleep 0.3",
      "runs COPY deps /deps",
      "runs RUN sleep 0.3; wc -l < /deps > /lines",
    ]);
    const least = async (...changes: readonly string[]) => (await planned(...changes, directory)).least;
    const [one, two] = [await least("--touch=deps"), await least("--touch=src")];
    for (const alone of [one, two]) expect(alone).toBeGreaterThanOrEqual(300);
    expect(await least("--touch=deps", "--touch=src")).toBe(Math.max(one, two));
  });

  test("a layer's index that is damaged or of an earlier version is read from the layer, and stays as it is", async () => {
    const directory = await built("FROM busybox\nCOPY deps /only-here\nRUN cat /only-here\n");
    for (const name of readdirSync(path.join(rig.root, "layers"))) writeFileSync(path.join(rig.root, "layers", name, "index"), "of another time");
    const before = fingerprint(rig.root);
    expect(await outcomes("--touch=deps", directory)).toEqual(["runs COPY deps /only-here", "runs RUN cat /only-here"]);
    expect(fingerprint(rig.root)).toBe(before);
  });

  test("in a place without a store all runs, an image that is not here is to be fetched, and no store is made", async () => {
    const directory = rig.context({ Dockerfile: "FROM registry.invalid/none\nRUN make\n" });
    const root = path.join(rig.directory, "no-store");
    expect(await rig.ok(["plan", "--root", root, directory])).toMatch(/^fetched +\[1\/2\] FROM registry\.invalid\/none.*\nruns +\? {2}\[2\/2\] RUN make\n$/m);
    expect(readdirSync(rig.directory)).not.toContain("no-store");
  });

  test("says of a file that is ignored or not there that no step sees it", async () => {
    const directory = await built(DOCKERFILE, { ".dockerignore": "*.log\n", "x.log": "" });
    expect(await rig.run(["plan", "--touch=x.log", directory])).toMatchObject({ code: 1, err: expect.stringContaining("excluded by .dockerignore, line 1") as string });
    expect(await rig.run(["plan", "--touch=none", directory])).toMatchObject({ code: 1, err: expect.stringContaining("there is no such file in the build context") as string });
    expect(await rig.run(["plan", "https://example.com/x.git"])).toMatchObject({ code: 1, err: expect.stringContaining("a plan fetches nothing") as string });
  });
});
