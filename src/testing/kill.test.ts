import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rootfs } from "./images.ts";
import { BUSYBOX, BuildRig } from "./builds.ts";
import { randomNumbers } from "./random-numbers.ts";
import { startRegistry, type TestRegistry } from "./registry.ts";
import { spawnAsUser } from "./sandbox/as-user.ts";
import { BIN, processesOf, readProc } from "./spawned.ts";

/*
 * 200 times kill -9, at random moments, half of them as an ordinary user: the store that is left is one that the next
 * command can use, what was finished is there, and no process or mount stays. Only the command's own process is killed;
 * the others have to notice by themselves.
 */

const SEED = Number(process.env["LAMINATE_KILL_SEED"] ?? Date.now() % 1_000_000);
const MINUTES = 60_000;

/** Who types the commands: root, or an ordinary user whose home is `directory`. */
interface Who {
  readonly name: string;
  readonly start: (root: string, args: readonly string[]) => ChildProcess;
}

function who(name: string, directory: string): Who {
  const env = (root: string) => ({ ...process.env, HOME: directory, LAMINATE_ROOT: root });
  return {
    name,
    // As a user too it is the command's own process that is killed: each of the programs before it becomes the next.
    start: (root, args) => (name === "root" ? spawn(BIN, args, { env: env(root), stdio: ["ignore", "pipe", "pipe"] }) : spawnAsUser(directory, [BIN, ...args], { env: env(root) })),
  };
}

/** Runs a command to its end. */
async function run(me: Who, root: string, args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string; readonly took: number }> {
  const began = performance.now();
  const child = me.start(root, args);
  let said = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, said, took: performance.now() - began };
}

async function ok(me: Who, root: string, args: readonly string[]): Promise<{ readonly said: string; readonly took: number }> {
  const { code, said, took } = await run(me, root, args);
  expect({ who: me.name, args, code, ...(code === 0 ? {} : { said, seed: SEED }) }).toEqual({ who: me.name, args, code: 0 });
  return { said, took };
}

/** Starts a command and kills it after some milliseconds; says whether it was still running. */
async function killed(me: Who, root: string, args: readonly string[], after: number): Promise<boolean> {
  const child = me.start(root, args);
  for (const stream of [child.stdout!, child.stderr!]) stream.resume();
  const ended = new Promise<string | null>((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  const timer = setTimeout(() => child.kill("SIGKILL"), after);
  const signal = await ended;
  clearTimeout(timer);
  return signal === "SIGKILL";
}

/** Waits until nothing works on a store any more. */
async function untilQuiet(root: string): Promise<void> {
  for (let tries = 0; processesOf(root).length > 0; tries += 1) {
    if (tries > 300) expect(processesOf(root)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(readProc("/proc/self/mounts")).not.toContain(root);
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

describe.skipIf(BUSYBOX === undefined || process.geteuid?.() !== 0).each(["root", "an ordinary user"])(`killed at random moments as %s (LAMINATE_KILL_SEED=${SEED})`, { retry: 0, timeout: 10 * MINUTES }, (name) => {
  const random = randomNumbers(SEED);
  let directory: string;
  let store: string;
  let me: Who;
  let registry: TestRegistry;
  let image: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "laminate-kill-"));
    store = join(directory, "store");
    me = who(name, directory);
    await using rig = new BuildRig();
    await rig.busybox();
    registry = await startRegistry();
    image = `localhost:${registry.port}/me/big:1`;
    // Layers of some MiB that do not compress, so that there is time to be killed in.
    await rig.ok(["import", "-", "big"], rootfs({ "first": randomBytes(4 << 20).toString("latin1") }));
    const context = rig.context({ Dockerfile: "FROM big\nCOPY second /second\nCOPY third /third\n", second: randomBytes(4 << 20), third: randomBytes(4 << 20) });
    await rig.ok(["build", "-t", image, context]);
    const archive = join(directory, "images.tar");
    await rig.ok(["save", "-o", archive, "busybox", image]);
    chmodSync(archive, 0o644);
    await ok(me, store, ["load", "-i", archive]);
  });

  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test("50 builds: what was built stays, steps that were done stay CACHED, the next build works", async () => {
    const context = join(directory, "context");
    mkdirSync(context);
    writeFileSync(join(context, "Dockerfile"), "FROM busybox\nRUN echo done > /done\nCOPY n /n\nRUN cat /n > /copy\nRUN mkdir -p /many && for i in 1 2 3 4 5; do echo $i > /many/$i; done\nCOPY n /last\n");
    const build = ["build", "--network", "none", "--progress", "plain", "-t", "killed", context];
    writeFileSync(join(context, "n"), "0");
    await ok(me, store, build);
    const before = (await ok(me, store, ["images", "-q", "--no-trunc"])).said;
    writeFileSync(join(context, "n"), "1");
    const { took } = await ok(me, store, build);
    let kills = 0;
    for (let turn = 2; kills < 50; turn += 1) {
      writeFileSync(join(context, "n"), `${turn}`);
      kills += (await killed(me, store, build, random() * took * 1.1)) ? 1 : 0;
      if (turn % 5 === 0) {
        const { said } = await ok(me, store, build);
        expect(said).toMatch(/RUN echo done > \/done\n#\d+ CACHED/);
        await ok(me, store, ["run", "--rm", "--network", "none", "killed", "test", "-e", "/last"]);
      }
      if (turn % 20 === 0) await untilQuiet(store);
    }
    await ok(me, store, build);
    const after = (await ok(me, store, ["images", "-q", "--no-trunc"])).said.split("\n");
    expect(before.split("\n").filter((id) => !after.includes(id)).length).toBeLessThanOrEqual(1); // "killed" itself has moved on
    await untilQuiet(store);
    checkDigests(store);
    await ok(me, store, build);
    expect(namesIn(join(store, "tmp"))).toEqual([]);
  });

  test("25 pushes: the registry gets the whole image in the end", async () => {
    const push = ["push", image];
    const { took } = await ok(me, store, push);
    let kills = 0;
    for (let turn = 1; kills < 25; turn += 1) {
      if (turn % 5 === 1) registry.empty();
      kills += (await killed(me, store, push, random() * took * 1.1)) ? 1 : 0;
      if (turn % 10 === 0) {
        await ok(me, store, push);
        const seen = spawnSync("skopeo", ["copy", "--src-tls-verify=false", `docker://${image}`, `dir:${join(directory, `pushed-${turn}`)}`], { encoding: "utf8" });
        expect(seen).toMatchObject({ status: 0, stderr: "" });
        rmSync(join(directory, `pushed-${turn}`), { recursive: true, force: true });
      }
    }
    await ok(me, store, push);
    await untilQuiet(store);
    checkDigests(store);
  });

  test("25 pulls: each takes up where the killed one was, and the image is whole in the end", async () => {
    registry.empty();
    await ok(me, store, ["push", image]);
    const pull = ["pull", image];
    const measured = join(directory, "measured");
    const { took } = await ok(me, measured, pull);
    let kills = 0;
    for (let turn = 0; kills < 25; turn += 1) {
      const root = join(directory, `store-${turn}`);
      for (let tries = 0; tries < 5 && kills < 25; tries += 1) {
        kills += (await killed(me, root, pull, random() * took * 1.1)) ? 1 : 0;
        await ok(me, root, ["images", "-q"]);
      }
      await ok(me, root, pull);
      await untilQuiet(root);
      checkDigests(root);
      expect((await ok(me, root, ["history", "-q", image])).said).toBe((await ok(me, measured, ["history", "-q", image])).said);
      expect(namesIn(join(root, "partial"))).toEqual([]);
      rmSync(root, { recursive: true, force: true });
    }
  });
});
