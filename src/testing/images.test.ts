import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { ImageRig } from "./images.ts";

test("a rig whose tests are all skipped leaves no directory, one that was used removes its own", async () => {
  const place = mkdtempSync(path.join(tmpdir(), "laminate-rigs-"));
  onTestFinished(() => rmSync(place, { recursive: true }));
  vi.stubEnv("TMPDIR", place);
  onTestFinished(() => void vi.unstubAllEnvs());
  new ImageRig();
  expect(readdirSync(place)).toEqual([]);
  await using rig = new ImageRig();
  expect(rig.root).toBe(path.join(rig.directory, "store"));
  expect(readdirSync(place)).toHaveLength(1);
  await rig[Symbol.asyncDispose]();
  expect(readdirSync(place)).toEqual([]);
});
