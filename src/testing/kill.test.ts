import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rootfs } from "./images.ts";
import { BUSYBOX, BuildRig } from "./builds.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";

/*
 * kill -9 at random moments: the store that is left is one that the next command can use, what was finished is there,
 * and no process or mount stays. Only the command's own process is killed; the others have to notice by themselves.
 */

const CHECKOUT = join(import.meta.dirname, "..", "..");
const BIN = join(CHECKOUT, "bin", "laminate");
const SEED = Number(process.env["LAMINATE_KILL_SEED"] ?? Date.now() % 1_000_000);
const MINUTES = 60_000;

/** Numbers between 0 and 1 that the seed decides (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs a command to its end. */
async function run(root: string, args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string; readonly took: number }> {
  const began = performance.now();
  const child = spawn(BIN, args, { env: { ...process.env, LAMINATE_ROOT: root }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, said, took: performance.now() - began };
}

async function ok(root: string, args: readonly string[]): Promise<{ readonly said: string; readonly took: number }> {
  const { code, said, took } = await run(root, args);
  expect({ args, code, ...(code === 0 ? {} : { said, seed: SEED }) }).toEqual({ args, code: 0 });
  return { said, took };
}

/** Starts a command and kills it after some milliseconds; says whether it was still running. */
async function killed(root: string, args: readonly string[], after: number): Promise<boolean> {
  const child = spawn(BIN, args, { env: { ...process.env, LAMINATE_ROOT: root }, stdio: "ignore" });
  const ended = new Promise<string | null>((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  const timer = setTimeout(() => child.kill("SIGKILL"), after);
  const signal = await ended;
  clearTimeout(timer);
  return signal === "SIGKILL";
}

/** The processes that work on a store: named after it, started with it, or with a mount of it in sight. */
function processesOf(root: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const about = ["cmdline", "environ", "mountinfo"].map((file) => read(`/proc/${pid}/${file}`));
    return about.some((text) => text.includes(root)) ? [`${pid} ${about[0]!.replaceAll("\0", " ").slice(0, 200)}`] : [];
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Waits until nothing works on a store any more. */
async function untilQuiet(root: string): Promise<void> {
  for (let tries = 0; processesOf(root).length > 0; tries += 1) {
    if (tries > 300) expect(processesOf(root)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(read("/proc/self/mounts")).not.toContain(root);
}

/** Every blob and every layer is what its name says. */
function checkDigests(root: string): void {
  const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
  const blobs = join(root, "blobs/sha256");
  const layers = join(root, "layers");
  const tars = namesIn(layers).flatMap((name) => (existsSync(join(layers, name, "tar")) ? [{ name, file: join(layers, name, "tar") }] : []));
  const wrong = [...namesIn(blobs).map((name) => ({ name, file: join(blobs, name) })), ...tars].filter(({ name, file }) => digest(file) !== name);
  expect(wrong).toEqual([]);
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

describe.skipIf(BUSYBOX === undefined || process.geteuid?.() !== 0)(`killed at random moments (LAMINATE_KILL_SEED=${SEED})`, { timeout: 10 * MINUTES }, () => {
  const random = numbers(SEED);
  const directory = mkdtempSync(join(tmpdir(), "laminate-kill-"));
  let rig: BuildRig;
  let registry: TestRegistry;
  let image: string;

  beforeAll(async () => {
    rig = new BuildRig();
    await rig.busybox();
    registry = await startRegistry();
    image = `localhost:${registry.port}/me/big:1`;
    // Layers of some MiB that do not compress, so that there is time to be killed in.
    await rig.ok(["import", "-", "big"], rootfs({ "first": randomBytes(4 << 20).toString("latin1") }));
    const context = rig.context({ Dockerfile: "FROM big\nCOPY second /second\nCOPY third /third\n", second: randomBytes(4 << 20), third: randomBytes(4 << 20) });
    await rig.ok(["build", "-t", image, context]);
  }, MINUTES);

  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test("100 builds: what was built stays, steps that were done stay CACHED, the next build works", async () => {
    const context = join(directory, "context");
    mkdirSync(context);
    writeFileSync(join(context, "Dockerfile"), "FROM busybox\nRUN echo done > /done\nCOPY n /n\nRUN cat /n > /copy\nRUN mkdir -p /many && for i in 1 2 3 4 5; do echo $i > /many/$i; done\nCOPY n /last\n");
    const build = ["build", "--network", "none", "--progress", "plain", "-t", "killed", context];
    writeFileSync(join(context, "n"), "0");
    await ok(rig.root, build);
    const before = (await ok(rig.root, ["images", "-q", "--no-trunc"])).said;
    writeFileSync(join(context, "n"), "1");
    const { took } = await ok(rig.root, build);
    let kills = 0;
    for (let turn = 2; kills < 100; turn += 1) {
      writeFileSync(join(context, "n"), `${turn}`);
      kills += (await killed(rig.root, build, random() * took * 1.1)) ? 1 : 0;
      if (turn % 5 === 0) {
        const { said } = await ok(rig.root, build);
        expect(said).toMatch(/RUN echo done > \/done\n#\d+ CACHED/);
        await ok(rig.root, ["run", "--rm", "--network", "none", "killed", "test", "-e", "/last"]);
      }
      if (turn % 20 === 0) await untilQuiet(rig.root);
    }
    await ok(rig.root, build);
    const after = (await ok(rig.root, ["images", "-q", "--no-trunc"])).said.split("\n");
    expect(before.split("\n").filter((id) => !after.includes(id)).length).toBeLessThanOrEqual(1); // "killed" itself has moved on
    await untilQuiet(rig.root);
    checkDigests(rig.root);
    await ok(rig.root, build);
    expect(namesIn(join(rig.root, "tmp"))).toEqual([]);
  });

  test("50 pushes: the registry gets the whole image in the end", async () => {
    const push = ["push", image];
    const { took } = await ok(rig.root, push);
    let kills = 0;
    for (let turn = 1; kills < 50; turn += 1) {
      if (turn % 5 === 1) registry.empty();
      kills += (await killed(rig.root, push, random() * took * 1.1)) ? 1 : 0;
      if (turn % 10 === 0) {
        await ok(rig.root, push);
        const seen = spawnSync("skopeo", ["copy", "--src-tls-verify=false", `docker://${image}`, `dir:${join(directory, `pushed-${turn}`)}`], { encoding: "utf8" });
        expect(seen).toMatchObject({ status: 0, stderr: "" });
        rmSync(join(directory, `pushed-${turn}`), { recursive: true, force: true });
      }
    }
    await ok(rig.root, push);
    await untilQuiet(rig.root);
    checkDigests(rig.root);
  });

  test("50 pulls: each takes up where the killed one was, and the image is whole in the end", async () => {
    registry.empty();
    await ok(rig.root, ["push", image]);
    const pull = ["pull", image];
    const measured = join(directory, "measured");
    const { took } = await ok(measured, pull);
    let kills = 0;
    for (let turn = 0; kills < 50; turn += 1) {
      const root = join(directory, `store-${turn}`);
      for (let tries = 0; tries < 5 && kills < 50; tries += 1) {
        kills += (await killed(root, pull, random() * took * 1.1)) ? 1 : 0;
        await ok(root, ["images", "-q"]);
      }
      await ok(root, pull);
      await untilQuiet(root);
      checkDigests(root);
      expect((await ok(root, ["history", "-q", image])).said).toBe((await ok(measured, ["history", "-q", image])).said);
      expect(namesIn(join(root, "partial"))).toEqual([]);
      rmSync(root, { recursive: true, force: true });
    }
  });
});
