import { describe, expect, test } from "vitest";
import { around } from "../testing/checks.ts";
import { build } from "../testing/lowering.ts";
import { expandWord, type Lookup } from "./expand/expand.ts";
import { formatDockerfile } from "./format/format.ts";
import { parseIgnore } from "./ignore.ts";
import { parseDockerfile } from "./parse/parse.ts";
import { checkDockerfile } from "./rules/check.ts";

// Whoever writes the text chooses its shape, so the time grows with its length and not with the square of it, whatever
// the shape. Told by a ratio on the same machine: four times the text takes as long as the text four times, a square four times that.

const times = (n: number, write: (place: number) => string): string => Array.from({ length: n }, (_, place) => write(place)).join("");

const SHAPES: Readonly<Record<string, (n: number) => string>> = {
  "many instructions": (n) => `FROM debian\n${"RUN echo a\n".repeat(n)}`,
  "many variables": (n) => `FROM debian\n${times(n, (i) => `ENV v${i}=1\n`)}`,
  "many pairs in a line": (n) => `FROM debian\nENV${times(n, (i) => ` v${i}=1`)}\n`,
  "many lines of an instruction": (n) => `FROM debian\nLABEL${times(n, (i) => ` \\\n v${i}="$x"`)}\n`,
  "many comments inside an instruction": (n) => `FROM debian\nRUN a${" \\\n # b".repeat(n)}\n`,
  "many sources": (n) => `FROM debian\nCOPY${" a".repeat(n)} /d/\n`,
  "a long list": (n) => `FROM debian\nCOPY ["a"${', "b"'.repeat(n)}, "/d/"]\n`,
  "a list with a number at its end": (n) => `FROM debian\nCMD ["a"${', "b"'.repeat(n)}, 1]\n`,
  "a long here-document": (n) => `FROM debian\nCOPY <<E /d\n${"$x\n".repeat(n)}E\n`,
  "a here-document without an end": (n) => `FROM debian\nCOPY <<E /d\n${"x\n".repeat(n)}`,
  "many here-documents of an instruction": (n) => `FROM debian\nCOPY${times(n, (i) => ` <<E${i}`)} /d/\n${times(n, (i) => `x\nE${i}\n`)}`,
  "many marks that are none": (n) => `FROM debian\nRUN a${" <<".repeat(n)} x${"<<y ".repeat(n)}\n`,
  "many mounts": (n) => `FROM debian\nRUN${" --mount=type=cache,target=/x".repeat(n)} x\n`,
  "many options of a mount": (n) => `FROM debian\nRUN --mount=type=cache${",target=/x".repeat(n)} x\n`,
  "many stages": (n) => `FROM debian AS s0\n${times(n, (i) => `FROM debian AS s${i + 1}\nCOPY --from=s${i} a /\n`)}`,
  "stages FROM one another": (n) => `FROM debian AS s0\n${times(n, (i) => `FROM s${i} AS s${i + 1}\n`)}`,
  "many quotes": (n) => `FROM debian\nLABEL a=${"'x'".repeat(n)}"${"\\$".repeat(n)}"\n`,
  "a quote without an end": (n) => `FROM debian\nLABEL a=${'"'.repeat(2 * n + 1)}\n`,
  "many substitutions": (n) => `FROM debian\nLABEL a=${"${x:-y}$z".repeat(n)}\n`,
  "substitutions within substitutions": (n) => `FROM debian\nLABEL a=${"${x:-".repeat(n)}\n`,
  "many spaces": (n) => `FROM debian\nENV a ${" ".repeat(n)}x${" ".repeat(n)}\\${" ".repeat(n)}\n y\n`,
  "many empty lines": (n) => `${"\n".repeat(n)}FROM debian\n${"\n".repeat(n)}`,
  "a long word that is no instruction": (n) => `FROM debian\n${"x".repeat(n)} a\n`,
  "a long directive": (n) => `# check=skip=${"a,".repeat(n)}\nFROM debian\n`,
};

describe("the time to read a Dockerfile grows with its length", () => {
  test.each(Object.entries(SHAPES))("%s", async (_, shape) => {
    await expectLinear((n) => {
      const text = shape(n);
      return () => refusing(() => parseDockerfile(text, "f"));
    });
    await expectLinear((n) => {
      const text = shape(n);
      return () => refusing(() => formatDockerfile(text, "f"));
    });
    await expectLinear((n) => {
      const text = shape(n);
      return () => refusing(() => checkDockerfile(parseDockerfile(text, "f"), around()));
    });
    await expectLinear((n) => {
      const text = shape(n);
      return () => build(text).catch(() => undefined);
    });
  });
});

const PATTERNS: Readonly<Record<string, (n: number) => readonly [word: string, x: string]>> = {
  "a prefix": (n) => ["${x##*a*a*a*a*a*b}", "a".repeat(n)],
  "a suffix": (n) => ["${x%%b*a*a*a*a*a*}", "a".repeat(n)],
  "a shortest suffix": (n) => ["${x%a?a*}", "a".repeat(n)],
  "what is not there": (n) => ["${x//a*a*a*b/-}", "a".repeat(n)],
  "what is there everywhere": (n) => ["${x//a?/$y}", "a".repeat(n)],
  "lines": (n) => ["${x//*a*b/-}", "aaaa\n".repeat(n)],
};

describe("the time to match a pattern grows with the length of the value", () => {
  test.each(Object.entries(PATTERNS))("%s", async (_, shape) => {
    await expectLinear((n) => {
      const [word, x] = shape(n);
      const lookup: Lookup = (name) => (name === "x" ? x : undefined);
      return () => expandWord(word, lookup, { escape: "\\" });
    });
  });

  test.each(["*a*a*a*a*a*a*a*b", "a*?*a*?*a*b", "[ab]*[ab]*[ab]*b"])("of a path's name: %s", async (pattern) => {
    await expectLinear((n) => {
      const [rules, path] = [parseIgnore(pattern, "f"), "a".repeat(n)];
      return () => rules.ignores(path);
    });
  });
});

async function refusing(run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof RangeError) throw error;
  }
}

const FACTOR = 4;
/** Between the one of a line and the four of a square; a busy machine has several tries. */
const LIMIT = 2.5;

async function expectLinear(prepare: (n: number) => () => unknown): Promise<void> {
  let n = 50;
  while (n < 50_000 && (await best(prepare(n))) < 1) n *= 2;
  let ratio = Infinity;
  for (let attempt = 0; attempt < 6 && ratio > LIMIT; attempt += 1) {
    // Small ones until they take as long as a large one: a busy machine interrupts what takes longer more often, and one small one never.
    const [small, large] = [await best(repeated(prepare(n), FACTOR)), await best(prepare(FACTOR * n))];
    ratio = Math.min(ratio, large / small);
  }
  expect(ratio).toBeLessThan(LIMIT);
}

function repeated(run: () => unknown, times: number): () => Promise<void> {
  return async () => {
    for (let turn = 0; turn < times; turn += 1) await run();
  };
}

/** The shortest of a few runs, in milliseconds. */
async function best(run: () => unknown): Promise<number> {
  let shortest = Infinity;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const start = performance.now();
    await run();
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}
