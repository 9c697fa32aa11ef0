import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { item } from "../../../testing/erofs/rig.ts";
import { SCENARIOS } from "../../../testing/erofs/scenarios.ts";
import type { Entry } from "../entry.ts";
import { erofsImage } from "./erofs-image.ts";

const DRIVER = fileURLToPath(new URL("../../../testing/erofs/driver.ts", import.meta.url));
const DEVICE = { size: 1 << 20 };

function reasonOf(...entries: Entry[]): string {
  const image = erofsImage({ entries, devices: [DEVICE] });
  return image.kind === "image" ? "none" : `${image.path}: ${image.reason}`;
}

function file(path: string, more: Partial<Entry> = {}): Entry {
  return item(path, "file", { size: 1, offset: 512, ...more }).entry;
}

test("a file whose bytes do not lie in one piece is named, as a sparse one in a tar", () => {
  const { offset, ...sparse } = file("d/sparse");
  expect(offset).toBe(512);
  expect(reasonOf(file("a"), sparse)).toBe("d/sparse: its content does not lie in one piece");
});

test("what no image can say is named with its reason", () => {
  expect(reasonOf(file("a", { offset: 500 }))).toMatch(/^a: its content starts at byte 500/);
  expect(reasonOf(file("n".repeat(256)))).toMatch(/its name has 256 bytes$/);
  expect(reasonOf(file("a", { xattrs: new Map([["user.large", Buffer.alloc(65_536)]]) }))).toMatch(/^a: its attribute "user.large" has 65536 bytes/);
  expect(reasonOf(file("a", { xattrs: new Map([["system.posix_acl_access", Buffer.from("?")]]) }))).toBe("a: its access control list is malformed");
  expect(reasonOf(item("l", "symlink", { link: "l".repeat(4096) }).entry)).toBe("l: it is a link of 4096 bytes");
  expect(reasonOf(item("dev", "character", { major: 4096, minor: 0 }).entry)).toBe("dev: there is no device 4096:0");
});

test("an empty file needs no place, and a layer of more than 2 TiB is too large", () => {
  const { offset: _, ...empty } = file("empty", { size: 0 });
  expect(reasonOf(empty)).toBe("none");
  expect(erofsImage({ entries: [], devices: [{ size: 2 ** 41 }] })).toMatchObject({ kind: "unrepresentable", reason: expect.stringMatching(/blocks/) });
});

test("the same layer gives the same image, in chunks of a bounded size", () => {
  const entries = Array.from({ length: 20_000 }, (_, at) => file(`d${at % 50}/f${at}`)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const chunks = () => {
    const image = erofsImage({ entries, devices: [DEVICE] });
    return image.kind === "image" ? [...image.chunks()] : [];
  };
  expect(Buffer.concat(chunks()).equals(Buffer.concat(chunks()))).toBe(true);
  expect(Math.max(...chunks().map(({ length }) => length))).toBeLessThan(1 << 19);
});

describe.skipIf(process.geteuid!() !== 0)("a layer mounted in place, as root", () => {
  let directory: string;
  let outcomes: Promise<Map<string, string | undefined>>;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "laminate-erofs-"));
    outcomes = readOutcomes(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }), 60_000);

  for (const { name } of SCENARIOS) {
    test(name, async (context) => {
      const outcome = await outcomes;
      if (outcome.has("obstacle")) context.skip(outcome.get("obstacle"));
      expect(outcome.has(name), `the driver got so far: ${[...outcome].at(-1)?.join(": ")}`).toBe(true);
      expect(outcome.get(name)).toBeUndefined();
    });
  }
});

/** The driver's mounts are in a namespace of its own, and end with it. */
async function readOutcomes(directory: string): Promise<Map<string, string | undefined>> {
  const driver = spawn("unshare", ["--mount", "--propagation", "private", process.execPath, DRIVER, directory], { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => driver.kill("SIGKILL"), 170_000);
  let stderr = "";
  driver.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const outcomes = new Map<string, string | undefined>();
  for await (const line of createInterface({ input: driver.stdout })) {
    const { name, error, obstacle } = JSON.parse(line) as { name?: string; error?: string; obstacle?: string };
    outcomes.set(name ?? "obstacle", error ?? obstacle);
  }
  clearTimeout(timer);
  if (stderr !== "") outcomes.set("what the driver wrote to standard error", stderr);
  return outcomes;
}
