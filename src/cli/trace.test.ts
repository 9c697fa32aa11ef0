import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildRecord, RecordedReads } from "../explain/build-record.ts";
import { BUSYBOX, BuildRig } from "../testing/builds.ts";

/* A build that is watched notes what each RUN opens, and is otherwise the build that it would have been. */

const rig = new BuildRig({ SOURCE_DATE_EPOCH: "1700000000" });
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

async function last(): Promise<BuildRecord> {
  return JSON.parse(await rig.ok(["builds", "show", "--format", "json"])) as BuildRecord;
}

/** What the RUN of a build read, by the instructions that made it. */
function readsOf({ steps }: BuildRecord, run: string): unknown {
  const reads = steps.find(({ name }) => name.startsWith(run))!.reads as Extract<RecordedReads, { base: number }>;
  return Object.fromEntries(Object.entries(reads.of).map(([id, read]) => [steps.find((step) => String(step.id) === id)!.name, read]));
}

const DOCKERFILE = "FROM busybox\nCOPY . /app\nRUN cat /app/a /app/sub/b > /out; echo x > /made; mv /app/old /app/new\nRUN cat /made; ls /app/sub\n";

describe.skipIf(BUSYBOX === undefined || process.geteuid!() !== 0)("build --trace", () => {
  test("notes the files that each RUN opens, and whose they are; not those it makes or does not look into", async () => {
    const directory = rig.context({ Dockerfile: DOCKERFILE, a: "a", unread: "u", old: "o", "sub/b": "b", "sub/c": "c" });
    await rig.ok(["build", "-q", "--network=none", "--trace", directory]);
    const build = await last();
    expect(readsOf(build, "RUN cat /app/a")).toEqual({ "COPY . /app": { files: ["/app/a", "/app/sub/b"], directories: [] } });
    expect(readsOf(build, "RUN cat /made")).toMatchObject({ "COPY . /app": { files: [], directories: ["/app/sub"] }, [build.steps.find(({ name }) => name.startsWith("RUN cat /app/a"))!.name]: { files: ["/made"] } });
    expect(await rig.ok(["builds", "show"])).toMatch(/^ +read \/app\/a, \/app\/sub\/b, and \d+ files? of its base$/m);
  });

  test("changes no key and no result", async () => {
    const directory = rig.context({ Dockerfile: DOCKERFILE.replace("/out", "/out2"), a: "a", unread: "u", old: "o", "sub/b": "b" });
    const watched = await rig.ok(["build", "-q", "--network=none", "--trace", directory]);
    expect(await rig.ok(["build", "-q", "--network=none", directory])).toBe(watched);
    expect(await rig.ok(["build", "-q", "--network=none", "--no-cache", directory])).toBe(watched);
  });

  test("lets advise move a RUN that it does not know before what the RUN does not read", async () => {
    const directory = rig.context({ Dockerfile: "FROM busybox\nWORKDIR /w\nCOPY . .\nRUN sleep 0.4; wc -c < settings > /size\nRUN cat src > /built\n", settings: "s", src: "1", other: "o" });
    await rig.ok(["build", "-q", "--network=none", directory]);
    expect(await rig.ok(["advise", "--network=none", directory])).toContain("Nothing was found that is worth trying.");
    await rig.ok(["build", "-q", "--network=none", "--no-cache", "--trace", directory]);
    const told = await rig.ok(["advise", "--network=none", directory]);
    expect(told).toMatch(/^1\. Copy settings alone for RUN sleep 0\.4; wc -c < settings > \/size, and the rest behind it \(line 3\)$/m);
    expect(told).toContain("+COPY settings ./\n+RUN sleep 0.4; wc -c < settings > /size\n COPY . .\n");
  });

  test("lets advise copy only what is read into a stage that others take single files of", async () => {
    const dockerfile = "FROM busybox AS build\nWORKDIR /w\nCOPY . .\nRUN sleep 0.4; cat lib/one main > /built\nFROM busybox\nCOPY --from=build /built /built\n";
    const directory = rig.context({ Dockerfile: dockerfile, main: "m", "lib/one": "1", "lib/two": "2", "README.md": "r", "docs/page": "p" });
    await rig.ok(["build", "-q", "--network=none", "--trace", directory]);
    const told = await rig.ok(["advise", "--network=none", directory]);
    expect(told).toMatch(/^1\. Copy only what is read: main, lib \(line 3\)\n {3}built again after (?:README\.md|docs\/page) changed: /m);
    expect(told).toContain("-COPY . .\n+COPY main ./\n+COPY lib ./lib\n");
  });
});
