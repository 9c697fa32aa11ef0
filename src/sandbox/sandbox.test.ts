import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { spawnAsUser } from "../testing/sandbox/as-user.ts";
import type { Snapshots } from "../testing/sandbox/rig.ts";
import { SCENARIOS } from "../testing/sandbox/scenarios.ts";
import { enterCommand } from "./namespace.ts";
import { findCommand } from "./search-path.ts";

const DRIVER = fileURLToPath(new URL("../testing/sandbox/driver.ts", import.meta.url));
const IS_ROOT = process.geteuid!() === 0;
const RUNTIMES = ["runc", "crun"].filter((name) => findCommand(name, process.env) !== undefined);

/** How the scenarios are started: each way in a process of its own, all of them through the same driver. */
const WAYS: readonly { readonly name: string; start(directory: string, argv: readonly string[]): ChildProcess }[] = IS_ROOT
  ? [
      { name: "as root", start: (_, argv) => spawn(argv[0]!, argv.slice(1), { stdio: ["ignore", "pipe", "pipe"] }) },
      { name: "as an ordinary user", start: (directory, argv) => spawnAsUser(directory, argv, { env: process.env }) },
      { name: "as an ordinary user who may open /dev/net/tun", start: (directory, argv) => spawnAsUser(directory, argv, { env: process.env, tun: true }) },
    ]
  : canMap()
    ? [{ name: "as the user who tests", start: (_, argv) => spawn(argv[0]!, argv.slice(1), { stdio: ["ignore", "pipe", "pipe"] }) }]
    : [];

test.skipIf(RUNTIMES.length > 0 && WAYS.length > 0)("a runtime and, unless as root, subordinate ids are needed to test the sandbox", (context) => context.skip());

for (const runtime of RUNTIMES) {
  for (const way of WAYS) {
    describe(`a sandbox with ${runtime}, ${way.name}`, () => suite(runtime, way.start, "directory"));
  }
}

describe.skipIf(!IS_ROOT || RUNTIMES.length === 0)("a sandbox as root, layers mounted in place", () => suite(RUNTIMES[0]!, WAYS[0]!.start, "erofs"));

function suite(runtime: string, start: (typeof WAYS)[number]["start"], snapshots: Snapshots): void {
  let directory: string;
  let outcomes: Promise<Map<string, string | undefined>>;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "laminate-sandbox-"));
    chmodSync(directory, 0o755);
    outcomes = readOutcomes(start(directory, [process.execPath, DRIVER, directory, runtime, snapshots]));
  });
  afterAll(() => {
    if (IS_ROOT) rmSync(directory, { recursive: true, force: true });
    else spawnSync("unshare", ["--map-root-user", "--map-auto", "rm", "-rf", directory], { timeout: 10_000 });
  });

  for (const { name } of SCENARIOS) {
    test(name, { timeout: 300_000 }, async (context) => {
      const outcome = await outcomes;
      if (outcome.has("obstacle")) context.skip(outcome.get("obstacle"));
      expect(outcome.has(name), `the driver got so far: ${[...outcome].at(-1)?.join(": ")}`).toBe(true);
      expect(outcome.get(name)).toBeUndefined();
    });
  }
}

function canMap(): boolean {
  try {
    enterCommand(process.env);
    return true;
  } catch {
    return false;
  }
}

async function readOutcomes(driver: ChildProcess): Promise<Map<string, string | undefined>> {
  const outcomes = new Map<string, string | undefined>();
  const timer = setTimeout(() => driver.kill("SIGKILL"), 280_000);
  let stderr = "";
  driver.stderr!.on("data", (data: Buffer) => (stderr += data.toString()));
  for await (const line of createInterface({ input: driver.stdout! })) {
    const { name, error, obstacle } = JSON.parse(line) as { name?: string; error?: string; obstacle?: string };
    outcomes.set(name ?? "obstacle", error ?? obstacle);
  }
  clearTimeout(timer);
  if (stderr !== "") outcomes.set("what the driver wrote to standard error", stderr);
  return outcomes;
}
