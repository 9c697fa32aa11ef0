import fc from "fast-check";
import { expect, test } from "vitest";
import { budget, count, fuzzTimeout } from "../testing/fuzzing.ts";
import { expandWord } from "./expand/expand.ts";
import { parseIgnore } from "./ignore.ts";

// The matchers look at nothing twice; here they are held against ones that try everything.

const component = fc.oneof(
  { weight: 1, arbitrary: fc.constant("**") },
  { weight: 3, arbitrary: fc.array(fc.constantFrom("a", "b", "*", "?", "[ab]"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("").replaceAll(/\*+/g, "*")) },
);
const name = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }).map((letters) => letters.join(""));

test("a path is ignored when the pattern matches it or a directory above it", { timeout: fuzzTimeout }, () => {
  fc.assert(
    fc.property(fc.array(component, { minLength: 1, maxLength: 4 }), fc.array(name, { minLength: 1, maxLength: 5 }), (components, names) => {
      count("paths matched");
      const pattern = components.join("/");
      const above = names.map((_, place) => names.slice(0, place + 1).join("/"));
      const expected = above.some((path) => matches(pattern, path));
      expect([pattern, names.join("/"), parseIgnore(pattern, "f").ignores(names.join("/"))]).toEqual([pattern, names.join("/"), expected]);
    }),
    budget(5000),
  );
});

function matches(pattern: string, path: string): boolean {
  if (pattern === "") return path === "";
  if (pattern.startsWith("**")) {
    const rest = pattern.slice(2).replace(/^\//, "");
    const starts = [0, ...[...path.matchAll(/\//g)].map(({ index }) => index + 1)];
    // At the end it takes anything, but "a/**" is not a directory's own name.
    return rest === "" || starts.some((start) => matches(rest, path.slice(start)));
  }
  if (pattern.startsWith("*")) {
    return matches(pattern.slice(1), path) || (/^[^/]/.test(path) && matches(pattern, path.slice(1)));
  }
  const [, atom = "", rest = ""] = /^(\[ab\]|.)(.*)$/s.exec(pattern)!;
  const isOne = atom === "?" ? /^[^/]/.test(path) : atom === "[ab]" ? /^[ab]/.test(path) : path.startsWith(atom);
  return isOne && matches(rest, path.slice(1));
}

const shellPattern = fc.array(fc.constantFrom("a", "b", "*", "?", "\\*"), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
const value = fc.array(fc.constantFrom("a", "b", "*", "\n", "😀"), { maxLength: 8 });

test("a pattern takes away the shortest or the longest, and replaces the first or all", { timeout: fuzzTimeout }, () => {
  fc.assert(
    fc.property(shellPattern, value, (pattern, characters) => {
      count("shell patterns matched");
      const x = characters.join("");
      const expand = (operator: string, end = ""): string => expandWord(`\${x${operator}${pattern}${end}}`, () => x, { escape: "\\" });
      const places = Array.from({ length: characters.length + 1 }, (_, place) => place);
      const cut = (from: number, to: number): string => characters.slice(from, to).join("");
      const prefixes = places.filter((place) => matchesText(pattern, characters.slice(0, place)));
      const suffixes = places.filter((place) => matchesText(pattern, characters.slice(place)));
      // `#` at the front of a pattern would be read as the operator's second character, as in a shell.
      expect(expand("#")).toBe(cut(prefixes[0] ?? 0, characters.length));
      expect(expand("##")).toBe(cut(prefixes.at(-1) ?? 0, characters.length));
      expect(expand("%")).toBe(cut(0, suffixes.at(-1) ?? characters.length));
      expect(expand("%%")).toBe(cut(0, suffixes[0] ?? characters.length));
      expect(expand("/", "/-")).toBe(replaced(pattern, characters, false));
      expect(expand("//", "/-")).toBe(replaced(pattern, characters, true));
    }),
    budget(3000),
  );
});

function replaced(pattern: string, characters: readonly string[], all: boolean): string {
  let result = "";
  let before = -1;
  for (let at = 0; at <= characters.length; ) {
    const ends = Array.from({ length: characters.length - at + 1 }, (_, more) => at + more);
    const end = ends.findLast((place) => matchesText(pattern, characters.slice(at, place)));
    if (end !== undefined && (end > at || at !== before)) {
      result += "-";
      if (!all) return result + characters.slice(end).join("");
    }
    if (end !== undefined) before = end;
    if (end !== undefined && end > at) at = end;
    else result += characters[at++] ?? "";
  }
  return result;
}

function matchesText(pattern: string, [first, ...rest]: readonly string[]): boolean {
  if (pattern === "") return first === undefined;
  if (pattern.startsWith("*")) {
    return matchesText(pattern.slice(1), first === undefined ? [] : [first, ...rest]) || (first !== undefined && first !== "\n" && matchesText(pattern, rest));
  }
  const [, atom = "", more = ""] = /^(\\?.)(.*)$/s.exec(pattern)!;
  const isOne = atom === "?" ? first !== "\n" : first === atom.at(-1);
  return first !== undefined && isOne && matchesText(more, rest);
}
