import { expect, test } from "vitest";
import { formatPlatform, parsePlatform } from "./platform.ts";

test.each([
  ["linux/amd64", "linux/amd64"],
  ["arm64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/6", "linux/arm/v6"],
  ["linux/aarch64", "linux/arm64"],
  ["Linux/x86_64", "linux/amd64"],
  ["armel", "linux/arm/v6"],
])("%s is the platform %s", (text, expected) => {
  const platform = parsePlatform(text);
  expect(platform && formatPlatform(platform)).toBe(expected);
});

test.each(["", "linux", "linux/vax", "a/b/c/d", "linux/", "linux/amd 64", "constructor"])(
  "%j is no platform",
  (text) => {
    expect(parsePlatform(text)).toBeUndefined();
  },
);
