import { expect, test } from "vitest";
import { choosePlatform } from "./choose-platform.ts";
import { mediaTypes, type Descriptor } from "./descriptor.ts";
import { digestOf } from "./digest.ts";
import { formatPlatform, parsePlatform, type Platform } from "./platform.ts";

function entry(text: string | undefined): Descriptor {
  const [os = "", architecture = "", variant] = (text ?? "").split("/");
  const platform: Platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return { mediaType: mediaTypes.manifest, digest: digestOf(Buffer.from(text ?? "")), size: 1, ...(text === undefined ? {} : { platform }) };
}

test.each([
  ["linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["linux/amd64/v3", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["linux/amd64/v3"], undefined],
  ["linux/amd64/v2", ["linux/amd64", "linux/amd64/v3", "linux/amd64/v2"], "linux/amd64/v2"],
  ["linux/amd64", ["linux/386"], "linux/386"],
  ["linux/arm64", ["linux/arm/v7", "linux/arm64/v8"], "linux/arm64/v8"],
  ["linux/arm64/v8", ["linux/arm64"], "linux/arm64"],
  ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm64/v8"], "linux/arm/v6"],
  ["linux/arm/v6", ["linux/arm/v7"], undefined],
  ["linux/s390x", ["unknown/unknown", "linux/s390x"], "linux/s390x"],
  ["linux/amd64", ["unknown/unknown", undefined, "windows/amd64"], undefined],
])("for %s the choice from %j is %s", (wanted, there, expected) => {
  const chosen = choosePlatform(there.map(entry), parsePlatform(wanted)!);
  expect(chosen?.platform && formatPlatform(chosen.platform)).toBe(expected);
});
