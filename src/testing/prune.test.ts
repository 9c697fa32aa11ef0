import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig } from "./builds.ts";

/* Commands that remove things beside commands that make them: nobody loses what is being made. */

const BIN = join(import.meta.dirname, "..", "..", "bin", "laminate");
const BUILDS = 16;
const ROUNDS = 2;

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Less than the layers of a few builds: nearly every build that makes something collects at its end. */
const LITTLE = "64kB";

function run(root: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(BIN, args, { env: { ...process.env, LAMINATE_ROOT: root, LAMINATE_CACHE_LIMIT: LITTLE }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, said })));
}

describe.skipIf(BUSYBOX === undefined || process.geteuid?.() !== 0)("prune beside builds", { retry: 0, timeout: 600_000 }, () => {
  let rig: BuildRig;
  beforeAll(async () => {
    rig = new BuildRig();
    await rig.busybox();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  test(`${BUILDS} builds at a time all succeed while the cache is pruned in a loop and collected at the end of each, and make the same images again and again, which are whole`, async () => {
    const contexts = Array.from({ length: BUILDS }, (_, at) =>
      rig.context({
        // Some steps are every build's, some only one's; COPY --from reads a layer that nothing else names.
        Dockerfile: `FROM busybox AS made\nRUN mkdir /made && echo shared > /made/shared\nRUN echo ${at % 4} > /made/some\nFROM busybox\nCOPY --from=made /made /made\nCOPY own /own\nRUN cat /own /made/some > /both\n`,
        own: `${at}\n`,
      }),
    );
    let building = true;
    const prunes: Ended[] = [];
    const loop = async (...args: readonly string[]) => {
      while (building) prunes.push(await run(rig.root, ...args));
    };
    const loops = [loop("builder", "prune", "-af"), loop("system", "prune", "-f")];
    const images: string[][] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // A step that runs again because it was pruned gives other times, which are not to count here.
      const ended = await Promise.all(contexts.map((context, at) => run(rig.root, "build", "--network", "none", "--progress", "plain", "--build-arg", "SOURCE_DATE_EPOCH=1000000000", "-o", `type=image,name=built:${at},rewrite-timestamp=true`, context)));
      for (const { code, said } of ended) expect({ code, ...(code === 0 ? {} : { said }) }).toEqual({ code: 0 });
      images.push(await Promise.all([...contexts.keys()].map(async (at) => (await run(rig.root, "inspect", "-f", "{{.Id}}", `built:${at}`)).said)));
    }
    expect(images[1]).toEqual(images[0]);
    expect(new Set(images[0]).size).toBe(BUILDS);
    building = false;
    await Promise.all(loops);
    for (const { code, said } of prunes) expect({ code, ...(code === 0 ? {} : { said }) }).toEqual({ code: 0 });
    expect(prunes.length).toBeGreaterThan(ROUNDS);
    for (const at of contexts.keys()) {
      expect(await run(rig.root, "run", "--rm", "--network", "none", `built:${at}`, "cat", "/both")).toEqual({ code: 0, said: `${at}\n${at % 4}\n` });
    }
  });

  test("12 prunes killed at random moments leave a store that works, with nothing lost that is needed and nothing half removed", async () => {
    const contexts = Array.from({ length: 4 }, (_, at) => rig.context({ Dockerfile: `FROM busybox\nRUN for i in $(ls /bin); do echo ${at} > /$i; done\nCOPY own /own\n`, own: `${at}\n` }));
    const build = async (at: number) => {
      const { code, said } = await run(rig.root, "build", "--network", "none", "--progress", "plain", "-t", `kept:${at}`, contexts[at]!);
      expect({ code, ...(code === 0 ? {} : { said }) }).toEqual({ code: 0 });
    };
    for (let kills = 0, turn = 0; kills < 12; turn += 1) {
      const at = turn % contexts.length;
      await build(at);
      await run(rig.root, "rmi", `kept:${at}`);
      const child = spawn(BIN, ["system", "prune", "-f"], { env: { ...process.env, LAMINATE_ROOT: rig.root }, stdio: "ignore" });
      const timer = setTimeout(() => child.kill("SIGKILL"), 60 + Math.random() * 300);
      kills += (await new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)))) === "SIGKILL" ? 1 : 0;
      clearTimeout(timer);
      if (turn % 5 === 0) {
        await build(at);
        expect(await run(rig.root, "run", "--rm", "--network", "none", `kept:${at}`, "cat", "/own")).toEqual({ code: 0, said: `${at}\n` });
      }
    }
    expect((await run(rig.root, "image", "prune", "-f")).code).toBe(0);
    expect(readdirSync(join(rig.root, "tmp"))).toEqual([]);
  });

  test("8 builds killed while they collect leave a store that works, and a cache that the next build brings within its limit", async () => {
    const context = rig.context({ Dockerfile: "FROM busybox\nARG n\nCOPY own /own\nRUN echo $n > /n && cat /own /own > /copy\n", own: "x".repeat(40_000) });
    const args = (n: number) => ["build", "--network", "none", "--progress", "plain", "--build-arg", `n=${n}`, "--output", "type=cacheonly", context];
    const began = performance.now();
    expect((await run(rig.root, ...args(0))).code).toBe(0);
    const whole = performance.now() - began;
    for (let kills = 0, n = 1; kills < 8 && n < 80; n += 1) {
      const child = spawn(BIN, args(n), { env: { ...process.env, LAMINATE_ROOT: rig.root, LAMINATE_CACHE_LIMIT: LITTLE }, stdio: "ignore" });
      const timer = setTimeout(() => child.kill("SIGKILL"), whole * (0.5 + Math.random() * 0.6));
      kills += (await new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)))) === "SIGKILL" ? 1 : 0;
      clearTimeout(timer);
    }
    for (const n of [100, 101]) expect((await run(rig.root, ...args(n))).code).toBe(0);
    const { By } = JSON.parse((await run(rig.root, "system", "df", "-v", "--format", "json")).said) as { readonly By: { readonly "Build Cache": number } };
    expect(By["Build Cache"]).toBeLessThan(4 * 64 * 2 ** 10); // what the last builds stood on may be more than the limit
    expect(readdirSync(join(rig.root, "tmp"))).toEqual([]);
  });

  test("when all images are removed, nothing is left but what is not theirs", async () => {
    await run(rig.root, "build", "--network", "none", "-t", "last", rig.context({ Dockerfile: "FROM busybox\nRUN echo > /x\n" }));
    const { code } = await run(rig.root, "system", "prune", "-af");
    expect(code).toBe(0);
    const left = ["layers", "blobs/sha256", "partial", "tmp"].flatMap((name) => (existsSync(join(rig.root, name)) ? readdirSync(join(rig.root, name)) : []));
    expect(left).toEqual([]);
  });
});
