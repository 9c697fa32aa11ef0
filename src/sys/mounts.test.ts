import { expect, test } from "vitest";
import { mount, unmount } from "./mounts.ts";

/** Nothing is mounted: the calls are made to fail before they could. */
test("a failed call carries its errno name, its path and what was called", () => {
  expect(() => unmount("/nowhere/at/all")).toThrow(expect.objectContaining({ code: expect.stringMatching(/^(ENOENT|EPERM)$/), path: "/nowhere/at/all", syscall: "umount" }));
  expect(() => mount("none", "/nowhere/at/all", "tmpfs", 0, "")).toThrow(/^(ENOENT|EPERM): mount "\/nowhere\/at\/all"$/);
});
