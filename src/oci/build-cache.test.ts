import { describe, expect, test } from "vitest";
import { INLINE_CACHE, parseCache, parseInlineCache } from "./build-cache.ts";
import { digestOf } from "./digest.ts";

/* A cache is read from a registry, a bucket or a directory that anyone may have written. */

const [key, layer] = [digestOf("key"), digestOf("layer")];
const SOUND = { layers: [layer], steps: [{ key, layer, created: "2026-01-31T10:00:00.5Z" }] };
const given = (value: unknown) => ({ what: "the cache", bytes: Buffer.from(JSON.stringify(value)) });
const inline = ({ layers, steps }: { readonly layers: unknown; readonly steps: unknown }) => given({ rootfs: { type: "layers", diff_ids: layers }, [INLINE_CACHE]: { steps } });

describe.each([
  ["a cache's config", (value: typeof SOUND) => parseCache(given(value))],
  ["an inline cache", (value: typeof SOUND) => parseInlineCache(inline(value))],
])("%s", (_, parse) => {
  test("that is sound is read", () => {
    expect(parse(SOUND)).toEqual({ ...SOUND, mounts: [], selections: [] });
  });

  test.each([
    ["a layer that is no digest", { layers: ["../../etc"] }],
    ["a layer that is a number", { layers: [1] }],
    ["layers that are no list", { layers: layer }],
    ["a step without a key", { steps: [{ layer, created: "2026-01-31T10:00:00Z" }] }],
    ["a step of a layer that is no digest", { steps: [{ key, layer: "sha256:1", created: "2026-01-31T10:00:00Z" }] }],
    ["a step made on no date", { steps: [{ key, layer, created: "2026-13-31T10:00:00Z" }] }],
    ["a step whose date is not as configs of images have it", { steps: [{ key, layer, created: "31 Jan 2026" }] }],
    ["steps that are no list", { steps: {} }],
  ])("with %s is refused", (_what, wrong) => {
    expect(() => parse({ ...SOUND, ...(wrong as Partial<typeof SOUND>) })).toThrow(/^read the cache: /);
  });
});

test("an image without one has none, and BuildKit's is recognised", () => {
  expect(parseInlineCache(given({ rootfs: { diff_ids: [] } }))).toBeUndefined();
  expect(parseInlineCache(given({ "moby.buildkit.cache.v0": "e30=" }))).toBe("buildkit");
});
