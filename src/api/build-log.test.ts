import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

const logs = (): string[] => readdirSync(path.join(rig.root, "build-logs"));

describe.skipIf(BUSYBOX === undefined)("the log of a build", () => {
  test("is the last one's, whole, after a failure too; a build that found everything in the cache leaves none", async () => {
    expect(await rig.run(["builds", "logs"])).toMatchObject({ code: 1, err: expect.stringContaining("no build has run a step yet") as string });
    const directory = rig.context({ Dockerfile: "FROM busybox\nRUN i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done\n" });
    await rig.build("-q", "--progress=quiet", directory);
    const lines = Array.from({ length: 1000 }, (_, number) => `line ${number}`);
    const shown = await rig.ok(["builds", "logs"]);
    expect([...shown.matchAll(/^#\d+ \d+\.\d{3} (line \d+)$/gm)].map(([, line]) => line)).toEqual(lines);
    expect(shown).toMatch(/^#\d+ DONE/m);
    await rig.build(directory);
    expect(logs()).toHaveLength(1);
    writeFiles(directory, { Dockerfile: "FROM busybox\nRUN echo last words; false\n" });
    expect((await rig.build("-q", directory)).code).toBe(1);
    expect(await rig.ok(["builds", "logs"])).toMatch(/MISS .*runs again: the instruction was [^]* last words\n#\d+ ERROR: process/);
    const [first] = logs().sort();
    expect(await rig.ok(["builds", "logs", first!.slice(0, -6)])).toBe(shown);
    expect(await rig.run(["builds", "logs", "1999"])).toMatchObject({ code: 1, err: expect.stringMatching(/no log of a build "1999"\n.*the last are \d{8}-/) as string });
  });

  test("is kept of the last fifty only", async () => {
    const directory = rig.context({ Dockerfile: "" });
    for (let number = 0; number < 55; number += 1) {
      writeFiles(directory, { Dockerfile: `FROM scratch\nCOPY missing-${number} /\n` });
      await rig.build("-q", directory);
    }
    expect(logs()).toHaveLength(50);
  });
});
