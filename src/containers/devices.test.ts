import { expect, test } from "vitest";
import { deviceNode, parseDevice } from "./devices.ts";

test.each([
  ["/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"],
  ["/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r"],
  ["/dev/sda:/dev/xvda", "/dev/sda", "/dev/xvda", "rwm"],
  ["/dev/sda:/dev/xvda:rw", "/dev/sda", "/dev/xvda", "rw"],
])("--device %s", (text, source, target, access) => expect(parseDevice(text)).toEqual({ source, target, access }));

test.each(["fuse", "/dev/a:b:r", "/dev/a:/dev/b:x", "/dev/a:/dev/b:r:w"])("--device %s is refused", (text) => expect(() => parseDevice(text)).toThrow(/for "--device" flag/));

test("a device has the kernel's numbers", () => {
  expect(deviceNode(parseDevice("/dev/null:/dev/other"))).toMatchObject({ type: "c", path: "/dev/other", major: 1, minor: 3 });
  expect(() => deviceNode(parseDevice("/dev/missing"))).toThrow(/no such file or directory/);
  expect(() => deviceNode(parseDevice("/etc/passwd"))).toThrow(/not a device node/);
});
