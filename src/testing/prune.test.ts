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

function run(root: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(BIN, args, { env: { ...process.env, LAMINATE_ROOT: root }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, said })));
}

describe.skipIf(BUSYBOX === undefined || process.geteuid?.() !== 0)("prune beside builds", { timeout: 300_000 }, () => {
  let rig: BuildRig;
  beforeAll(async () => {
    rig = new BuildRig();
    await rig.busybox();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  test(`${BUILDS} builds at a time all succeed while the cache is pruned in a loop, and what they made is whole`, async () => {
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
    for (let round = 0; round < ROUNDS; round += 1) {
      const ended = await Promise.all(contexts.map((context, at) => run(rig.root, "build", "--network", "none", "--progress", "plain", "-t", `built:${at}`, context)));
      for (const { code, said } of ended) expect({ code, ...(code === 0 ? {} : { said }) }).toEqual({ code: 0 });
    }
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

  test("when all images are removed, nothing is left but what is not theirs", async () => {
    await run(rig.root, "build", "--network", "none", "-t", "last", rig.context({ Dockerfile: "FROM busybox\nRUN echo > /x\n" }));
    const { code } = await run(rig.root, "system", "prune", "-af");
    expect(code).toBe(0);
    const left = ["layers", "blobs/sha256", "partial", "tmp"].flatMap((name) => (existsSync(join(rig.root, name)) ? readdirSync(join(rig.root, name)) : []));
    expect(left).toEqual([]);
  });
});
