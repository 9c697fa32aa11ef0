import fc from "fast-check";
import { expect, test } from "vitest";
import { around } from "../testing/checks.ts";
import { dockerfiles, scraps } from "../testing/dockerfiles.ts";
import { budget, count, fuzzTimeout } from "../testing/fuzzing.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { expandWord, expandWords, ExpansionError } from "./expand/expand.ts";
import { formatDockerfile } from "./format/format.ts";
import { IgnoreError, parseIgnore } from "./ignore.ts";
import { lower } from "./lower/lower.ts";
import { parseDockerfile } from "./parse/parse.ts";
import { checkDockerfile } from "./rules/check.ts";
import { CheckOptionError } from "./rules/check-options.ts";
import { meaningOf } from "./rules/meaning.ts";
import { mend } from "./rules/mend.ts";

// A few seconds of it; npm run fuzz takes minutes (FUZZ_SECONDS, for each test), and prints how much was tried.

const texts = fc.oneof(scraps, dockerfiles);
const base = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } } as const;

test("whatever is written, a Dockerfile is lowered or refused with its place", { timeout: fuzzTimeout }, async () => {
  await fc.assert(
    fc.asyncProperty(texts, async (dockerfile) => {
      count("Dockerfiles lowered or refused");
      const platform = { os: "linux", architecture: "amd64" };
      try {
        const { graph } = await lower({ dockerfile, file: "f", buildArgs: {}, labels: {}, platform, resolveBase: async () => base });
        expect(graph.vertices.every((vertex) => vertex.inputs.every((input) => input < vertex.id))).toBe(true);
      } catch (error) {
        expectPlaced(error, dockerfile);
      }
    }),
    budget(2000),
  );
});

test("whatever is written, a Dockerfile is checked and mended, or refused with its place; mended twice it changes no more", { timeout: fuzzTimeout }, () => {
  fc.assert(
    fc.property(texts, (text) => {
      count("Dockerfiles checked and mended");
      try {
        checkDockerfile(parseDockerfile(text, "f"), around());
        const { text: fixed } = mend(text, "f", around());
        expect(mend(fixed, "f", around())).toEqual({ text: fixed, mended: [] });
      } catch (error) {
        if (!(error instanceof CheckOptionError)) expectPlaced(error, text);
      }
    }),
    budget(300),
  );
});

test("whatever is written, it says the same when it is formatted, and formatting twice changes nothing more", { timeout: fuzzTimeout }, () => {
  fc.assert(
    fc.property(texts, (text) => {
      count("Dockerfiles formatted");
      try {
        const before = parseDockerfile(text, "f");
        const once = formatDockerfile(text, "f");
        expect(meaningOf(parseDockerfile(once, "f"))).toBe(meaningOf(before));
        expect(formatDockerfile(once, "f")).toBe(once);
      } catch (error) {
        expectPlaced(error, text);
      }
    }),
    budget(2000),
  );
});

const MOUNT_PARTS = ["type", "=", "bind", "cache", "tmpfs", "secret", "ssh", ",", ",", "target=/x", "from=a", "from=", "id=x", "ro", "rw", "mode=", "0755", "uid=", "1", "size=", "1g", "sharing=", "locked", "required", "env=X", "$x", "${x", '"', '""', "\\ ", "é"];
const FLAGS = ["RUN --mount=", "RUN --network=", "RUN --security=", "COPY --chmod=", "COPY --chown=", "COPY --link=", "COPY --exclude=", "ADD --checksum=", "HEALTHCHECK --interval=", "HEALTHCHECK --retries=", "FROM --platform=", "COPY --from="];

test("whatever a flag says, it is read or refused with its place", { timeout: fuzzTimeout }, async () => {
  const part = fc.constantFrom(...MOUNT_PARTS, "u+rwX", "99", "1m30s", "-1", "linux/arm64", "sha256:");
  const line = fc.tuple(fc.constantFrom(...FLAGS), fc.array(part, { maxLength: 10 }), fc.constantFrom(" a /b", " CMD x", " a", ""));
  await fc.assert(
    fc.asyncProperty(line, async ([flag, parts, rest]) => {
      count("flags read or refused");
      const dockerfile = `FROM a AS a\nFROM a\n${flag}${parts.join("")}${rest}\n`;
      const platform = { os: "linux", architecture: "amd64" };
      try {
        await lower({ dockerfile, file: "f", buildArgs: {}, labels: {}, platform, resolveBase: async () => base });
      } catch (error) {
        expectPlaced(error, dockerfile);
      }
    }),
    budget(2000),
  );
});

test("whatever is written, a word is expanded or refused with its place", { timeout: fuzzTimeout }, () => {
  const parts = ["$", "{", "${x", "${y:-", "}", "x", ":", "-", "+", "?", "#", "%", "/", "*", "\\", '"', "'", " ", "[", "(", "ü", "😀", "\n"];
  const word = fc.array(fc.constantFrom(...parts), { maxLength: 40 }).map((each) => each.join(""));
  const value = fc.array(fc.constantFrom("a", "b", "/", ".", "*", "\n", "😀", "$0"), { maxLength: 12 }).map((each) => each.join(""));
  fc.assert(
    fc.property(word, value, fc.boolean(), (text, x, keepUnset) => {
      count("words expanded or refused");
      for (const expand of [expandWord, expandWords]) {
        try {
          expand(text, (name) => (name === "x" ? x : undefined), { escape: "\\", keepUnset });
        } catch (error) {
          expect(error).toBeInstanceOf(ExpansionError);
          const { offset, length } = error as ExpansionError;
          expect(offset >= 0 && length > 0 && offset + length <= text.length).toBe(true);
        }
      }
    }),
    budget(3000),
  );
});

test("a directory that holds something let in is never called empty", { timeout: fuzzTimeout }, () => {
  const pattern = fc
    .array(fc.constantFrom("!", "a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "\\", "."), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join(""));
  const path = fc.array(fc.constantFrom("a", "b", "ab", "c"), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, parts) => {
      count("ignore files matched");
      const rules = readable(patterns.join("\n"));
      if (rules === undefined || rules.ignores(parts.join("/"))) {
        return;
      }
      for (let depth = 1; depth < parts.length; depth += 1) {
        const directory = parts.slice(0, depth).join("/");
        expect(!rules.ignores(directory) || rules.mayContainIncluded(directory)).toBe(true);
      }
    }),
    budget(5000),
  );
});

function readable(text: string): ReturnType<typeof parseIgnore> | undefined {
  try {
    return parseIgnore(text, ".dockerignore");
  } catch (error) {
    expect(error).toBeInstanceOf(IgnoreError);
    return undefined;
  }
}

/** An error of the Dockerfile whose place, and whose second one, is in it. */
function expectPlaced(error: unknown, text: string): void {
  if (!(error instanceof DockerfileError)) throw error;
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (const { start, end } of [error.range, ...(error.related === undefined ? [] : [error.related.range])]) {
    const isInside = ({ line, column }: typeof start): boolean => line >= 1 && column >= 1 && line <= lines.length && column <= lines[line - 1]!.length + 1;
    expect([error.message, isInside(start), isInside(end)]).toEqual([error.message, true, true]);
    expect(start.line < end.line || (start.line === end.line && start.column <= end.column)).toBe(true);
  }
  expect(error.message).toMatch(/^f:\d+:\d+: /);
}
