import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { spreadDirectories } from "../sys/spread-directories.ts";
import { openStore } from "./store.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "laminate-spread-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const flagsOf = (place: string) => execFileSync("lsattr", ["-d", place], { encoding: "utf8" }).split(" ")[0];

test.skipIf(spawnSync("lsattr", ["-V"]).error !== undefined)("what a new store has in the making lies apart from what was there before, where the file system can", async () => {
  const can = spreadDirectories(directory);
  await using store = await openStore(join(directory, "store"));
  if (can) expect([directory, join(store.root, "tmp")].map(flagsOf)).toEqual([expect.stringContaining("T"), expect.stringContaining("T")]);
});

test("a file system that cannot is no trouble", () => expect(spreadDirectories("/proc")).toBe(false));
