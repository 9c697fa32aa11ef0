import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { unifiedDiff } from "./unified-diff.ts";

test("the same text has no diff", () => {
  expect(unifiedDiff("a\nb\n", "a\nb\n", "f")).toBe("");
});

test("near changes share a hunk, far ones have their own", () => {
  const lines = Array.from({ length: 30 }, (_, place) => `${place + 1}\n`);
  const after = lines.map((line, place) => (place === 1 || place === 20 ? "new\n" : line)).filter((_, place) => place !== 4);
  expect(unifiedDiff(lines.join(""), after.join(""), "f")).toBe(
    "--- f\n+++ f\n@@ -1,8 +1,7 @@\n 1\n-2\n+new\n 3\n 4\n-5\n 6\n 7\n 8\n@@ -18,7 +17,7 @@\n 18\n 19\n 20\n-21\n+new\n 22\n 23\n 24\n",
  );
});

const text = fc.array(fc.constantFrom("a\n", "b\n", "c\n", "\n"), { maxLength: 60 }).map((lines) => lines.join(""));

const hasPatch = spawnSync("patch", ["--version"]).status === 0;

test.runIf(hasPatch)("patch makes one text of the other with it", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "laminate-diff-"));
  try {
    fc.assert(
      fc.property(text, text, fc.boolean(), (before, after, cut) => {
        const wanted = cut ? after.trimEnd() : after;
        if (wanted === "" || before === "") return;
        const file = path.join(directory, "f");
        writeFileSync(file, before);
        const diff = unifiedDiff(before, wanted, "f");
        if (diff === "") return expect(wanted).toBe(before);
        const ran = spawnSync("patch", ["-s", "-F0", "f"], { cwd: directory, input: diff, encoding: "utf8" });
        expect({ status: ran.status, text: readFileSync(file, "utf8") }).toEqual({ status: 0, text: wanted });
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});
