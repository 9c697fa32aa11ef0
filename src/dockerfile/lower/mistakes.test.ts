import { describe, expect, test } from "vitest";
import { build } from "../../testing/lowering.ts";

describe("a mistake is shown where it stands", () => {
  test("with the second place that matters", async () => {
    await expect(
      build("FROM debian AS a\nCOPY --from=b / /\nFROM debian AS b\nFROM a"),
    ).rejects.toThrow("Dockerfile:3:1: it is defined here\n  3 | FROM debian AS b");
  });

  test("only in stages that the target needs, but syntax everywhere", async () => {
    await expect(build("FROM nothing\nFROM debian")).resolves.toBeDefined();
    await expect(build("FROM nothing\nRNU\nFROM debian")).rejects.toThrow("RNU");
  });

  test("an abort passes as it is", async () => {
    const abort = new DOMException("stop", "AbortError");
    await expect(build("FROM debian", { resolveBase: () => Promise.reject(abort) })).rejects.toBe(
      abort,
    );
  });
});
