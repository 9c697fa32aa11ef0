import { chmodSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildRecord } from "../explain/build-record.ts";
import type { Why } from "../api/why.ts";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";

/* Builds are kept, and tell afterwards what ran and why. */

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const DOCKERFILE = "FROM busybox\nARG v=1\nCOPY deps /deps\nRUN cat /deps > /installed\nCOPY src /src\nRUN echo $v > /built\n";

function project(): string {
  const directory = rig.context({ Dockerfile: DOCKERFILE, deps: "one\ntwo\nthree\n", "src/a": "a\n", "src/b": "b\n" });
  for (const name of ["deps", "src/a", "src/b"]) chmodSync(`${directory}/${name}`, 0o644);
  return directory;
}

/** The last build as it is kept. */
async function last(): Promise<BuildRecord> {
  return JSON.parse(await rig.ok(["builds", "show", "--format", "json"])) as BuildRecord;
}

describe.skipIf(BUSYBOX === undefined)("why", () => {
  test("names the file that changed with its lines, what ran because of it, and what that cost", async () => {
    const directory = project();
    await rig.ok(["build", "-q", "--network=none", "-t", "first", directory]);
    const before = await last();
    writeFiles(directory, { deps: "one\n2\nthree\n" });
    await rig.ok(["build", "-q", "--network=none", "-t", "second", directory]);
    const told = await rig.ok(["why"]);
    expect(told).toMatch(/^Build \S+ of Dockerfile in .*, as second:latest: succeeded .* ago in \d+\.\ds, \d steps ran, \d cached$/m);
    expect(told).toContain(`[2/5] COPY deps /deps ran: deps changed (1 line)\n  compared with build ${before.id}\n`);
    expect(told).toMatch(/^ {2}deps changed \(1 line\): sha256:\p{Hex}{64} -> sha256:\p{Hex}{64}$/mu);
    expect(told).toContain("    -two\n    +2\n");
    expect(told).toMatch(/^ {2}so \[3\/5\] RUN cat \/deps > \/installed ran, \d+\.\ds$/m);
    expect(told).toMatch(/^ {2}cost: \d+\.\ds, \d+\.\ds of it for the step itself$/m);
  });

  test("tells causes that do not depend on each other apart", async () => {
    const directory = project();
    await rig.ok(["build", "-q", "--network=none", directory]);
    writeFiles(directory, { "src/a": "A\n", "src/c": "c\n" });
    chmodSync(`${directory}/src/b`, 0o755);
    await rig.ok(["build", "-q", "--network=none", "--build-arg", "v=2", directory]);
    const told = await rig.ok(["why"]);
    expect(told).toContain('[3/5] RUN cat /deps > /installed ran: build argument v changed from "1" to "2"');
    expect(told).toContain("[4/5] COPY src /src ran: src/a changed (1 line), mode of src/b 0644 → 0755, src/c is new");
    expect(await rig.ok(["why", "last", "4/5"])).not.toContain("build argument");
    expect(await rig.ok(["why", "last", "COPY src"])).toContain("src/c is new");
  });

  test("says that a base image is another one, with both IDs", async () => {
    const base = rig.context({ Dockerfile: "FROM busybox\nCOPY f /f\n", f: "1" });
    await rig.ok(["build", "-q", "--network=none", "-t", "base", base]);
    const directory = rig.context({ Dockerfile: "FROM base\nRUN echo x > /x\n" });
    const id = async (): Promise<string> => (await rig.ok(["images", "-q", "--no-trunc", "base"])).trim();
    const before = await id();
    await rig.ok(["build", "-q", "--network=none", directory]);
    writeFiles(base, { f: "2" });
    await rig.ok(["build", "-q", "--network=none", "-t", "base", base]);
    const after = await id();
    const { err } = await rig.build(directory);
    const [, made] = /made on (\d{4}-\d\d-\d\d)/.exec(err) ?? [];
    expect(err).toContain(`MISS [2/2] RUN echo x > /x runs again: base now is ${after.slice(0, 19)}, made on ${made}, was ${before.slice(0, 19)}`);
    expect(await rig.ok(["inspect", "-f", "{{.Created}}", "base"])).toContain(made);
    expect(await rig.ok(["why"])).toContain(`  before: ${before}\n  now:    ${after}\n`);
  });

  test("compares with the nearest earlier build, not the last", async () => {
    const directory = project();
    await rig.ok(["build", "-q", "--network=none", directory]);
    const first = await last();
    await rig.ok(["build", "-q", "--network=none", "--build-arg", "v=2", directory]);
    writeFiles(directory, { "src/a": "other" });
    const { err } = await rig.build(directory);
    expect(err).toContain("MISS [4/5] COPY src /src runs again: src/a changed (1 line)\n");
    const build = await last();
    expect(build.steps.filter(({ cause }) => cause !== undefined).map(({ against }) => against)).toContain(first.id);
  });

  test("says which step gave what it gave before, which stayed cached for that, and what that saved", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nCOPY in /in\nRUN wc -c < /in > /size; rm /in\nRUN sleep 0.3; echo after > /after\nRUN echo last\n", in: "12" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    writeFiles(directory, { in: "34" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    const told = await rig.ok(["why"]);
    expect(told).toContain("[3/5] RUN wc -c < /in > /size; rm /in gave what it gave before: what follows it did not run for its sake\n  so [4/5] RUN sleep 0.3; echo after > /after stayed cached\n  so [5/5] RUN echo last stayed cached\n  saved: ");
    expect(Number(/saved: (\d+\.\d)s$/m.exec(told)![1])).toBeGreaterThan(0.2);
    const { cutOff } = JSON.parse(await rig.ok(["why", "--format", "json"])) as Why;
    expect(cutOff.map(({ step, saved }) => [step.name, saved.length])).toEqual([["RUN wc -c < /in > /size; rm /in", 2]]);
  });

  test("of files that another stage made says which step made it run, and by which cause", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox AS made\nCOPY in /in\nRUN cat /in > /out\nFROM busybox\nCOPY --from=made /out /out\nRUN cat /out\n", in: "1\n" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    writeFiles(directory, { in: "2\n" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    const told = await rig.ok(["why"]);
    expect(told).toMatch(/^\[stage-1 2\/3\] COPY --from=made \/out \/out ran: out changed \(1 line\)\n(?: .*\n)* {2}taken from \[made 3\/3\] RUN cat \/in > \/out, which ran because of \[made 2\/3\] COPY in \/in\n {2}so \[stage-1 3\/3\] RUN cat \/out ran/m);
    // The last step gave what it gave before, which saved nothing.
    expect(told).not.toContain("what follows it did not run");
    expect(await rig.ok(["why", "last", "2/3"])).toContain("[made 2/3] COPY in /in ran");
  });

  test("a number that several stages have is that of a step that ran; all of what is written counts", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox AS one\nCOPY a /a\nFROM busybox\nCOPY b /b\nCOPY --from=one /a /a\n", a: "1", b: "1" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    writeFiles(directory, { b: "2" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    expect(await rig.ok(["why", "last", "2"])).toContain("[stage-1 2/3] COPY b /b ran: b changed");
    expect(await rig.run(["why", "last", "2/9"])).toMatchObject({ code: 1, err: expect.stringContaining('has no step "2/9"') as string });
    expect(await rig.run(["why", "last", "2/2"])).toMatchObject({ code: 1, err: expect.stringContaining("it was in the cache") as string });
  });

  test("a directory whose name has a space is not taken for another that begins so", async () => {
    const parent = rig.context({ "my one/Dockerfile": "FROM busybox\nCOPY f /f\n", "my one/f": "1", "my two/Dockerfile": "FROM busybox\nCOPY f /g\n", "my two/f": "of two" });
    await rig.ok(["build", "-q", `${parent}/my one`]);
    expect((await rig.build(`${parent}/my two`)).err).not.toContain("never built here");
    writeFiles(parent, { "my one/f": "of one alone" });
    expect((await rig.build(`${parent}/my one`)).err).toContain("COPY f /f runs again: f changed (1 line)");
  });

  test("a step that failed is not told to be new when it runs again, nor to have been another", async () => {
    const dockerfile = (...lines: readonly string[]) => ({ Dockerfile: ["FROM busybox", "COPY f /f", ...lines, ""].join("\n") });
    const directory = rig.context({ ...dockerfile("RUN test -e /f/g"), f: "failing" });
    expect((await rig.build("--network=none", directory)).err).not.toContain("MISS [3/3]");
    expect((await rig.build("--network=none", directory)).err).toContain("MISS [3/3] RUN test -e /f/g runs again: it failed when it last ran\n");
    writeFiles(directory, dockerfile("RUN test -e /f"));
    const mended = await rig.build("--network=none", directory);
    expect(mended).toMatchObject({ code: 0, err: expect.stringContaining("MISS [3/3] RUN test -e /f runs again: this instruction is new\n") as string });
    writeFiles(directory, dockerfile("RUN test -e /f/g"));
    expect((await rig.build("--network=none", directory)).err).toContain("MISS [3/3] RUN test -e /f/g runs again: it failed when it last ran\n");
  });

  test("of a build, step or format that is not there says what there is", async () => {
    await rig.ok(["build", "-q", "--network=none", "-t", "named", project()]);
    expect(await rig.run(["why", "naned"])).toMatchObject({ code: 1, err: expect.stringContaining("did you mean named?") as string });
    expect(await rig.run(["why", "named", "RUN nothing"])).toMatchObject({ code: 1, err: expect.stringContaining('has no step "RUN nothing"') as string });
    expect(await rig.run(["why", "--format", "yaml"])).toMatchObject({ code: 125 });
  });
});

describe.skipIf(BUSYBOX === undefined)("builds", () => {
  test("are listed with what became of them, failed ones too; one in which nothing was new leaves no line", async () => {
    await using own = new BuildRig();
    await own.busybox();
    const directory = own.context({ Dockerfile: "FROM busybox\nRUN echo 1\n" });
    await own.ok(["build", "-q", "--network=none", "-t", "app", directory]);
    await own.ok(["build", "-q", "--network=none", "-t", "app", directory]);
    writeFiles(directory, { Dockerfile: "FROM busybox\nRUN echo 1\nRUN false\n" });
    expect((await own.build("-t", "app", directory)).code).not.toBe(0);
    const rows = (await own.ok(["builds", "--format", "{{.Result}} {{.Ran}} {{.Cached}} {{.Names}}"])).trim().split("\n");
    expect(rows).toEqual(["failed 0 1 app:latest", "succeeded 1 0 app:latest"]);
    const shown = await own.ok(["builds", "show", "app"]);
    expect(shown).toMatch(/^cached +\d+\.\ds {2}\[2\/3\] RUN echo 1$/m);
    expect(shown).toContain("exit code: 1");
  });

  test("are compared step by step", async () => {
    const directory = project();
    await rig.ok(["build", "-q", "--network=none", directory]);
    const { id } = await last();
    writeFiles(directory, { "src/a": "other", Dockerfile: DOCKERFILE.replace("COPY deps", "COPY --chmod=600 deps") });
    await rig.ok(["build", "-q", "--network=none", directory]);
    const difference = await rig.ok(["builds", "diff", id, "last"]);
    expect(difference).toContain("COPY --chmod=600 deps /deps: other inputs\n    mode: null -> 384\n");
    expect(difference).toContain("    src/a changed\n");
  });

  test("are forgotten when asked, with their logs; what they made stays", async () => {
    await using own = new BuildRig();
    await own.busybox();
    const directory = own.context({ Dockerfile: "FROM busybox\nRUN echo said\n" });
    await own.ok(["build", "-q", "--network=none", "-t", "app", directory]);
    expect(await own.ok(["builds", "logs"])).toContain("said");
    const id = (await own.ok(["builds", "-q"])).trim();
    expect(await own.ok(["builds", "rm", id])).toBe(`${id}\n`);
    expect(await own.ok(["builds", "-q"])).toBe("");
    expect(await own.run(["builds", "logs"])).toMatchObject({ code: 1 });
    expect((await own.build(directory)).err).toContain("CACHED");
  });
});
