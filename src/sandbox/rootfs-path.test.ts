import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readInRootfs, resolveInRootfs } from "./rootfs-path.ts";

let rootfs: string;

beforeAll(() => {
  rootfs = mkdtempSync(join(tmpdir(), "laminate-rootfs-"));
  mkdirSync(join(rootfs, "usr/lib"), { recursive: true });
  mkdirSync(join(rootfs, "etc"));
  writeFileSync(join(rootfs, "etc/inside"), "inside");
  symlinkSync("usr/lib", join(rootfs, "lib"));
  symlinkSync("/../../etc", join(rootfs, "lib/up"));
  symlinkSync("loop", join(rootfs, "loop"));
  symlinkSync("/etc/passwd", join(rootfs, "etc/host"));
  spawnSync("mkfifo", [join(rootfs, "etc/fifo")]);
});
afterAll(() => rmSync(rootfs, { recursive: true, force: true }));

test("links and dots stay inside", () => {
  expect(resolveInRootfs(rootfs, "/lib/up/inside")).toEqual({ path: "/etc/inside", exists: true });
  expect(resolveInRootfs(rootfs, "../../../..")).toEqual({ path: "/", exists: true });
});

test("what does not exist is named where it would be made", () => {
  expect(resolveInRootfs(rootfs, "/lib/new/file")).toEqual({ path: "/usr/lib/new/file", exists: false });
});

test("a loop is refused", () => {
  expect(() => resolveInRootfs(rootfs, "/loop")).toThrow(/too many symbolic links/);
});

test("only a regular file of the image is read", () => {
  expect(readInRootfs(rootfs, "/lib/up/inside")).toBe("inside");
  expect(readInRootfs(rootfs, "/etc/host")).toBeUndefined();
  expect(readInRootfs(rootfs, "/etc/fifo")).toBeUndefined();
  expect(readInRootfs(rootfs, "/etc")).toBeUndefined();
});
