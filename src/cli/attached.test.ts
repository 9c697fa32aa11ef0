import { expect, test } from "vitest";
import { detachKeys } from "./attached.ts";

test("detach keys are read as docker writes them", () => {
  expect(detachKeys()).toEqual([0x10, 0x11]);
  expect(detachKeys("a,b")).toEqual([0x61, 0x62]);
  expect(detachKeys("ctrl-@,ctrl-[,ctrl-_")).toEqual([0, 0x1b, 0x1f]);
  expect(detachKeys("")).toEqual([]);
  expect(() => detachKeys("ctrl-1")).toThrow(/for "--detach-keys" flag/);
  expect(() => detachKeys("strg-p")).toThrow(/for "--detach-keys" flag/);
});
