import { spawnSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WriteBehind } from "./write-behind.ts";

const MIB = 1 << 20;
let place: string;
beforeEach(() => (place = mkdtempSync("/var/tmp/laminate-write-behind-")));
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** MiB of a file that are in memory; undefined where util-linux is too old to say. */
function inMemory(file: string): number | undefined {
  const { status, stdout } = spawnSync("fincore", ["--bytes", "--noheadings", "--output", "RES", file], { encoding: "utf8" });
  return status === 0 ? Number(stdout) / MIB : undefined;
}

test("a large file is what was written, and only its end stays in memory", async () => {
  const path = join(place, "file");
  const file = await open(path, "wx");
  const behind = new WriteBehind(file.fd);
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(MIB + 4096 + 1);
  for (let at = 0; at < 160 * MIB; ) {
    randomFillSync(chunk, 0, 64);
    hash.update(chunk);
    await file.write(chunk, 0, chunk.length, at);
    at += chunk.length;
    await behind.advance(at);
  }
  await behind.settle();
  await file.close();
  const there = inMemory(path);
  expect(createHash("sha256").update(readFileSync(path)).digest("hex")).toBe(hash.digest("hex"));
  if (there !== undefined && spawnSync("stat", ["-fc", "%T", place], { encoding: "utf8" }).stdout.trim() !== "tmpfs") expect(there).toBeLessThan(100);
});

test("what cannot be written in ranges, such as a pipe, is left to the kernel", async () => {
  spawnSync("mkfifo", [join(place, "pipe")]);
  const pipe = await open(join(place, "pipe"), "r+");
  const behind = new WriteBehind(pipe.fd);
  for (let at = 0; at < 200 * MIB; at += 8 * MIB) await behind.advance(at);
  await behind.settle();
  await pipe.close();
});
