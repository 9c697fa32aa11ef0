import { describe, expect, test } from "vitest";
import { IgnoreError, parseIgnore } from "./ignore.ts";

describe("parseIgnore follows moby's patternmatcher", () => {
  test.each<[rules: string, ignored: string[], kept: string[]]>([
    ["", [], ["a"]],
    ["# comment\n\n  # not a comment\n", ["# not a comment"], ["# comment"]],
    ["*.log", ["a.log"], ["dir/a.log", "a.logs"]],
    ["**/*.log", ["a.log", "dir/a.log", "a/b/c.log"], ["a.txt"]],
    ["node_modules", ["node_modules", "node_modules/x/y"], ["web/node_modules", "node_modules2"]],
    ["**/node_modules", ["node_modules", "web/node_modules", "web/node_modules/a"], ["web/nodes"]],
    ["**foo", ["foo", "afoo", "x/afoo"], ["foo2"]],
    ["/dist/", ["dist", "dist/a"], ["a/dist"]],
    ["./a/../b", ["b"], ["a"]],
    ["a/**", ["a/b", "a/b/c"], ["a", "ab"]],
    ["a/**/z", ["a/z", "a/b/c/z"], ["a/b", "z"]],
    ["a**", ["a", "abc", "a/b"], ["b"]],
    ["**", ["a", "a/b"], []],
    ["*", ["a", "a/b", ".git"], []],
    ["*\n!keep", ["a"], ["keep", "keep/x"]],
    ["*\n!src/**/*.js", ["src", "src/a.ts"], ["src/a.js", "src/x/y.js"]],
    ["docs\n!docs/README.md\ndocs/x", ["docs", "docs/a", "docs/x"], ["docs/README.md"]],
    ["!a\na", ["a"], []],
    ["a?c", ["abc"], ["ac", "a/c"]],
    ["[a-c]x", ["ax", "cx"], ["dx"]],
    ["[^a]x", ["bx"], ["ax"]],
    ["a\\*b", ["a*b"], ["axb"]],
    // moby hands escapes on to Go's regexp: a letter behind one is no letter.
    ["\\a\n\\d[\\d\\_]", ["\u0007", "12", "1_"], ["a", "d"]],
    ["a.b+(c)", ["a.b+(c)"], ["axb+(c)"]],
    ["\uFEFFa\r\nb\r\n", ["a", "b"], ["c"]],
    ["ü?", ["üß", "ü🎉"], ["ü"]],
    ["! b\nb\n!  b", [], ["b"]],
    [".", [], ["a"]],
  ])("%j", (rules, ignored, kept) => {
    const parsed = parseIgnore(rules, ".dockerignore");
    expect(ignored.filter((path) => !parsed.ignores(path))).toEqual([]);
    expect(kept.filter((path) => parsed.ignores(path))).toEqual([]);
  });
});

test.each<[rules: string, directory: string, expected: boolean]>([
  ["a", "a", false],
  ["a\n!a/b", "a", true],
  ["a\n!b", "a", false],
  ["a\n!a/b", "a/c", false],
  ["a\n!**/x", "a", true],
  ["*\n!src\nsrc/node_modules", "src/node_modules", false],
  ["*\n!*/keep", "any", true],
  ["*\n!a*/keep", "b", false],
])("%j: may %s hold something that is let in? %s", (rules, directory, expected) => {
  expect(parseIgnore(rules, ".dockerignore").mayContainIncluded(directory)).toBe(expected);
});

test("the rule that ignores a path is named with its line", () => {
  const rules = parseIgnore("# logs\n*.log\n!keep.log\nlogs/\n", "sub/.dockerignore");
  expect(rules.explain("a.log")).toBe('sub/.dockerignore, line 2: "*.log"');
  expect(rules.explain("logs/a.log")).toBe('sub/.dockerignore, line 4: "logs/"');
  expect(rules.explain("keep.log")).toBeUndefined();
});

test.each(["!", "! /", "a\n[", "[a", "[z-a]", "\\q", "\\é", "*a".repeat(600), "a".repeat(5000)])("%j is refused with its line", (rules) => {
  expect(() => parseIgnore(rules, ".dockerignore")).toThrow(IgnoreError);
});
