import fc from "fast-check";
import { expect, test } from "vitest";
import { DockerfileError } from "./dockerfile-error.ts";
import { expandWord, ExpansionError } from "./expand/expand.ts";
import { IgnoreError, parseIgnore } from "./ignore.ts";
import { lower } from "./lower/lower.ts";

const TOKENS = [
  "FROM a",
  "FROM a AS b",
  "FROM b",
  "RUN ",
  "COPY ",
  "COPY --from=b ",
  "ADD ",
  "ENV ",
  "ARG ",
  "ONBUILD ",
  "HEALTHCHECK CMD ",
  "EXPOSE ",
  "CMD ",
  "SHELL ",
  "LABEL ",
  "x",
  "x=",
  "$x",
  "${x:-",
  "}",
  '"',
  "'",
  "\\",
  "[",
  "]",
  '["a"]',
  "--",
  "--a=",
  "<<E",
  "<<-'E'",
  "E",
  "\n",
  "\n",
  "\n",
  "\t",
  " ",
  " ",
  "#",
  "# escape=`\n",
  "\r\n",
  "\u0000",
  "é",
  "80",
  "/",
];

test("whatever is written, a Dockerfile is lowered or refused with its place", async () => {
  const text = fc
    .array(fc.constantFrom(...TOKENS), { maxLength: 30 })
    .map((tokens) => tokens.join(""));
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (body, based) => {
      const dockerfile = based ? `FROM a AS b\n${body}` : body;
      const resolveBase = async () => ({
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers" as const, diff_ids: [] },
      });
      try {
        const { graph } = await lower({
          dockerfile,
          file: "f",
          buildArgs: {},
          labels: {},
          platform: { os: "linux", architecture: "amd64" },
          resolveBase,
        });
        expect(
          graph.vertices.every((vertex) => vertex.inputs.every((input) => input < vertex.id)),
        ).toBe(true);
      } catch (error) {
        if (!(error instanceof DockerfileError)) {
          throw error;
        }
        expect(error.range.start.line).toBeGreaterThan(0);
        expect(error.range.start.column).toBeGreaterThan(0);
        expect(error.message).toMatch(/^\S.*:\d+:\d+: /);
      }
    }),
    { numRuns: 2000 },
  );
});

test("whatever is written, a word is expanded or refused", () => {
  const text = fc
    .array(
      fc.constantFrom(
        "$",
        "{",
        "}",
        "x",
        ":",
        "-",
        "+",
        "?",
        "#",
        "%",
        "/",
        "*",
        "\\",
        '"',
        "'",
        " ",
        "[",
        "(",
        "ü",
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (word) => {
      try {
        expandWord(word, (name) => (name === "x" ? "a/b.c*" : undefined), { escape: "\\" });
      } catch (error) {
        expect(error).toBeInstanceOf(ExpansionError);
      }
    }),
    { numRuns: 3000 },
  );
});

test("a directory that holds something let in is never called empty", () => {
  const pattern = fc
    .array(fc.constantFrom("!", "a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "\\", "."), {
      minLength: 1,
      maxLength: 6,
    })
    .map((parts) => parts.join(""));
  const path = fc.array(fc.constantFrom("a", "b", "ab", "c"), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, parts) => {
      const rules = readable(patterns.join("\n"));
      if (rules === undefined || rules.ignores(parts.join("/"))) {
        return;
      }
      for (let depth = 1; depth < parts.length; depth += 1) {
        const directory = parts.slice(0, depth).join("/");
        expect(!rules.ignores(directory) || rules.mayContainIncluded(directory)).toBe(true);
      }
    }),
    { numRuns: 5000 },
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
