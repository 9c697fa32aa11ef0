import { describe, expect, test } from "vitest";
import { expandWord, expandWords, ExpansionError } from "./expand.ts";

const variables: Readonly<Record<string, string>> = {
  x: "a/b/c.tar.gz",
  empty: "",
  name: "web",
  spaced: "one  two",
  star: "a*b*c",
};
const lookup = (name: string): string | undefined => variables[name];
const options = { escape: "\\" };

describe("expandWord", () => {
  test.each([
    ["plain", "plain"],
    ["$name", "web"],
    ["${name}-1", "web-1"],
    ["$unset|", "|"],
    ["\\$name", "$name"],
    ["'$name'", "$name"],
    ['"$name"', "web"],
    ['"a\\"b\\n"', 'a"b\\n'],
    ["a\\ b", "a b"],
    ["$", "$"],
    ["5$ and $.", "5$ and $."],
    ["${unset:-dflt}", "dflt"],
    ["${empty:-dflt}", "dflt"],
    ["${empty-dflt}", ""],
    ["${unset-dflt}", "dflt"],
    ["${name:+yes}", "yes"],
    ["${empty:+yes}", ""],
    ["${empty+yes}", "yes"],
    ["${unset+yes}", ""],
    ["${unset:-${name}}", "web"],
    ["${unset:-'a b'}", "a b"],
    ["${name:?no}", "web"],
    ["${x#*/}", "b/c.tar.gz"],
    ["${x##*/}", "c.tar.gz"],
    ["${x%.*}", "a/b/c.tar"],
    ["${x%%.*}", "a/b/c"],
    ["${x%nothing}", "a/b/c.tar.gz"],
    ["${x#a\\/}", "b/c.tar.gz"],
    ["${star#a\\*}", "b*c"],
    ["${x/a/z}", "z/b/c.tar.gz"],
    ["${x//\\//-}", "a-b-c.tar.gz"],
    ["${x/b*r/$0}", "a/.gz"],
    ["${name/?/W}", "Web"],
    ["${name//*/y}", "y"],
    ["${name///-}", "-w-e-b-"],
    ["${name/$unset/-}", "-web"],
    ["${star%?'\\'}", "a*b*c"],
    ["${star%'\\*c'}", "a*b"],
    ["${empty///-}", "-"],
    ['${name/e/"\\a\\""}', 'w\\\\a\\"b'],
    ["${name//e*/y}", "wy"],
    ["${star/\\*/}", "ab*c"],
    ["${name/e/\\}}", "w\\}b"],
    ["${name/e/q\\/z}", "wq\\/zb"],
    ["${name//e/\\$0\\$z.}", "w\\e\\.b"],
    ["${name/e/\\$0}", "w\\$0b"],
  ])("%s is %s", (text, expected) => {
    expect(expandWord(text, lookup, options)).toBe(expected);
  });

  test.each([
    ["${name", 'missing "}"'],
    ["${}", "without the name"],
    ["${:x}", "without the name"],
    ["${name:!x}", 'modifier ":!"'],
    ["${name:", "modifier"],
    ["${x/a}", 'missing "/"'],
    ["${x/a/b", 'missing "}"'],
    ["${unset:?set it}", "unset: set it"],
    ["${empty:?}", "empty: is not allowed to be empty"],
    ["${unset?}", "unset: is not allowed to be unset"],
    ["${name#'\\'}", 'invalid escape "\\"'],
    ["${name#\\w}", 'invalid escape "\\w"'],
    [`\${name#${"*a".repeat(600)}}`, "more than 500 stars"],
    [`\${name#${"a".repeat(5000)}}`, "more than 4096 characters"],
    ["${a:-".repeat(300), "more than 200 deep"],
    ["'open", "single quote"],
    ['"open', "double quote"],
  ])("%s is refused: %s", (text, message) => {
    expect(() => expandWord(text, lookup, options)).toThrow(ExpansionError);
    expect(() => expandWord(text, lookup, options)).toThrow(message);
  });

  test("a backtick escapes where the Dockerfile says so", () => {
    expect(expandWord("c:\\$name`$", lookup, { escape: "`" })).toBe("c:\\web$");
  });

  test("names of steps keep quotes, escapes and what is not set", () => {
    expect(
      expandWord("a \"$name\" '$x' \\; $unset ${unset:-1}", lookup, {
        ...options,
        rawQuotes: true,
        rawEscapes: true,
        keepUnset: true,
      }),
    ).toBe("a \"web\" '$x' \\; $unset ${unset:-1}");
  });
});

test.each([
  ["80 443/udp", ["80", "443/udp"]],
  ["$spaced", ["one", "two"]],
  ['"$spaced" x', ["one  two", "x"]],
  ["a\\ b c", ["a b", "c"]],
])("the words of %s", (text, expected) => {
  expect(expandWords(text, lookup, options)).toEqual(expected);
});
