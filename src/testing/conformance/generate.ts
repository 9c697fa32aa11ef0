import { posix } from "node:path";
import fc from "fast-check";
import { type Case, parseCase } from "./case-file.ts";

/** Questions in one case, and cases of each kind. */
const [QUESTIONS, CASES] = [60, 3];

/**
 * Cases made of a seed: random words to be expanded, random patterns to ignore files by, random sources to copy. Each
 * build answers many questions at once; a docker that is up says what the answers are.
 */
export function generateCases(seed: number): Case[] {
  return Array.from({ length: CASES }, (_, index) => [expansions(seed + index), ignores(seed + index), copies(seed + index)]).flat();
}

function expansions(seed: number): Case {
  const words = fc.sample(word, { seed, numRuns: QUESTIONS });
  const labels = words.map((text, index) => `LABEL l${index}=${text}\n`).join("");
  return parseCase(`generated/expansion-${seed}`, `Words that are expanded.\n-- Dockerfile --\nFROM conform/one\nENV set=foobarfoo empty= path=/usr/lib/a.tar.gz odd='a*b?c\\d'\n${labels}`);
}

/** A word of balanced quotes and braces; one that is required is always there. */
const { word } = fc.letrec<{ word: string; piece: string; inner: string; pattern: string }>((tie) => {
  const name = fc.constantFrom("set", "empty", "none", "path", "odd");
  const literal = fc.string({ unit: fc.constantFrom("a", "f", "o", "b", "/", ".", "-", "_", "=", ":", "+", "é", "#", "*", "?", "%"), maxLength: 4 });
  const quotable = fc.string({ unit: fc.constantFrom("a", "o", " ", "/", "*", "#"), maxLength: 4 });
  const operators = fc.constantFrom(":-", "-", ":+", "+");
  return {
    word: fc.array(tie("piece"), { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join("")),
    inner: fc.array(tie("piece"), { maxLength: 2 }).map((pieces) => pieces.join("")),
    pattern: fc.string({ unit: fc.constantFrom("a", "f", "o", "b", "*", "?", ".", "\\/", "\\*", "\\}", "\\\\", "$set", "${none}", '"a"', "'f'"), minLength: 1, maxLength: 4 }),
    piece: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      literal,
      name.map((one) => `$${one}`),
      name.map((one) => `\${${one}}`),
      fc.constantFrom("\\$", "\\\\", "\\a", '\\"', "\\ "),
      quotable.map((text) => `'${text}'`),
      fc.tuple(quotable, name).map(([text, one]) => `"${text}\${${one}}"`),
      fc.tuple(name, operators, tie("inner")).map(([one, operator, more]) => `\${${one}${operator}${more}}`),
      fc.tuple(fc.constantFrom("set", "path", "odd"), fc.constantFrom(":?", "?"), tie("inner")).map(([one, operator, more]) => `\${${one}${operator}${more}}`),
      fc.tuple(name, fc.constantFrom("#", "##", "%", "%%"), tie("pattern")).map(([one, operator, more]) => `\${${one}${operator}${more}}`),
      fc.tuple(name, fc.constantFrom("/", "//"), tie("pattern"), literal.map((text) => text.replaceAll("/", "x"))).map(([one, operator, more, other]) => `\${${one}${operator}${more}/${other}}`),
    ),
  };
});

/** The files that patterns are tried on: no name is a file's in one place and a directory's in another, as docker refuses to copy the one onto the other. */
const FILES = ["a", "b", "ab", ".a", "d/a", "d/b", "d/ab", "d/e/a", "d/e/b", "d/e/f/a", "e/d/a", "e/ad/b", "ab.c/a", "ab.c/d/b", "c.c", "é.c"];

function ignores(seed: number): Case {
  const component = fc.oneof(fc.constantFrom("a", "b", "ab", "d", "e", "*", "**", "a*", "*b", "?", "[a-c]", "[^a]", "[.]", "[a\\d]", "a]", "\\a", "\\d", "\\*", "é*", "*.c", ".*", "**b", "a**", ".", ".."), fc.constantFrom("d", "e", "f"));
  const pattern = fc.tuple(fc.constantFrom("", "", "", "!", "/", "!/", " ", "! "), fc.array(component, { minLength: 1, maxLength: 3 }), fc.constantFrom("", "", "", "/", " ", "/**")).map(([before, parts, after]) => `${before}${parts.join("/")}${after}`);
  const lists = fc.sample(fc.array(pattern.filter(isTaken), { minLength: 1, maxLength: 5 }), { seed, numRuns: QUESTIONS / 2 });
  // BuildKit takes a file of a named context for the one of an earlier build that had its size and time.
  const time = new Date(1_000_000_000_000 + seed * 1000).toISOString();
  const flags = lists.map((_, index) => `--build-context c${index}=${index}`).join(" ");
  const copied = lists.map((_, index) => `COPY --from=c${index} . /${index}/\n`).join("");
  const contexts = lists.flatMap((list, index) => [...FILES.map((name) => `-- ${index}/${name} --\n`), `-- ${index}/.dockerignore time=${time} --\n${list.join("\n")}\n`]).join("");
  return parseCase(`generated/ignore-${seed}`, `Files that are ignored.\nflags: ${flags}\ncontext: main\n-- main/Dockerfile --\nFROM conform/one\n${copied}${contexts}`);
}

/** Docker refuses a file in which the root is let back in, and with it all other questions. */
function isTaken(pattern: string): boolean {
  const [, path] = /^\s*!(.*)$/.exec(pattern) ?? [];
  return path === undefined || posix.normalize(path.trim()).replace(/(.)\/$/, "$1") !== "/";
}

function copies(seed: number): Case {
  const component = fc.constantFrom("a", "b", "d", "e", "*", "a*", "?", "[ab]*", "*.c", "..", ".", "ab.c");
  const source = fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => `*${parts.join("/")}`);
  const instruction = fc.tuple(source, fc.constantFrom("", "/"), fc.constantFrom("", "", "--chmod=700 ", "--chown=5:6 ", "--exclude=b ", "--exclude=**/a "));
  const copied = fc.sample(instruction, { seed, numRuns: QUESTIONS }).map(([text, slash, flag], index) => `COPY ${flag}keep ${text}${slash} /${index}/\n`);
  const files = ["keep", ...FILES].map((name) => `-- ${name} --\n${name}\n`).join("");
  return parseCase(`generated/copy-${seed}`, `Files that patterns choose.\n-- Dockerfile --\nFROM conform/one\n${copied.join("")}${files}`);
}
