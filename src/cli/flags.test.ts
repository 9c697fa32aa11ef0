import { expect, test } from "vitest";
import type { FlagTable } from "./command.ts";
import { flagName, parseFlags } from "./flags.ts";

const TABLE = {
  tag: { kind: "list", short: "t", summary: "" },
  interactive: { kind: "boolean", short: "i", summary: "" },
  tty: { kind: "boolean", short: "y", summary: "" },
  tail: { kind: "number", short: "n", summary: "" },
  name: { kind: "string", summary: "" },
  "no-cache": { kind: "boolean", summary: "" },
  pull: { kind: "optional", implied: "always", summary: "" },
} as const satisfies FlagTable;

function parse(line: string, interspersed = true) {
  return parseFlags(TABLE, line.split(" ").filter(Boolean), interspersed);
}

test.each([
  ["--name x a", { name: "x" }, ["a"]],
  ["--name=x=y a", { name: "x=y" }, ["a"]],
  ["--name= a", { name: "" }, ["a"]],
  ["--name --tty", { name: "--tty" }, []],
  ["-iy a", { interactive: true, tty: true }, ["a"]],
  ["-iyn5 a", { interactive: true, tty: true, tail: 5 }, ["a"]],
  ["-n=5", { tail: 5 }, []],
  ["-i=false", { interactive: false }, []],
  ["--no-cache=0 --tty=True", { "no-cache": false, tty: true }, []],
  ["--name a --name b", { name: "b" }, []],
  ["--pull a", { pull: "always" }, ["a"]],
  ["--pull=never a", { pull: "never" }, ["a"]],
  ["a --tty b -", { tty: true }, ["a", "b", "-"]],
  ["a -- --tty", {}, ["a", "--tty"]],
])("%s", (line, flags, args) => {
  expect(parse(line)).toEqual({ flags: { tag: [], ...flags }, args });
});

test("a list collects what every spelling gives it", () => {
  expect(parse("-t a -tb -t=c --tag d --tag=e").flags["tag"]).toEqual(["a", "b", "c", "d", "e"]);
});

test("flags end at the first argument where the command says so", () => {
  expect(parse("-i image ls --tty -- x", false)).toEqual({ flags: { tag: [], interactive: true }, args: ["image", "ls", "--tty", "--", "x"] });
});

test.each([
  ["--nmae x", "unknown flag: --nmae", "did you mean --name?"],
  ["--zzzzzzz", "unknown flag: --zzzzzzz", undefined],
  ["-ix", "unknown shorthand flag: 'x' in -ix", undefined],
  ["-pull", "unknown shorthand flag: 'p' in -pull", "did you mean --pull?"],
  ["--name", "flag needs an argument: --name", undefined],
  ["-t", "flag needs an argument: -t", undefined],
  ["--tty=perhaps", 'invalid argument "perhaps" for "--tty" flag: neither true nor false', undefined],
  ["-n many", 'invalid argument "many" for "-n" flag: not a number', undefined],
])("%s is refused", (line, message, hint) => {
  expect(() => parse(line)).toThrow(expect.objectContaining({ message, hint, exitCode: 125 }) as Error);
});

test("a key in camel case is written with dashes", () => {
  expect(flagName("noCache")).toBe("no-cache");
  expect(parseFlags({ noCache: { kind: "boolean", summary: "" } }, ["--no-cache"], true).flags).toEqual({ noCache: true });
});
