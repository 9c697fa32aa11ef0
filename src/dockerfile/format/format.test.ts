import { describe, expect, test } from "vitest";
import { DockerfileError } from "../dockerfile-error.ts";
import { formatDockerfile } from "./format.ts";

describe("the one form of a Dockerfile", () => {
  test.each<[what: string, before: string, after: string]>([
    ["keywords in capitals", "from a as B\nonbuild run x\nhealthcheck none\n", "FROM a AS B\nONBUILD run x\nHEALTHCHECK NONE\n"],
    ["one space between words, and no indentation", "FROM  a\n  COPY   --link  b\t c \n", "FROM a\nCOPY --link b c\n"],
    ["a name and its value in the old form", "FROM a\nENV  b   c  d \n", "FROM a\nENV b c  d\n"],
    ["quotes and what is in them stay", "FROM a\nENV b='c  d'   e=\"f  g\"\n", "FROM a\nENV b='c  d' e=\"f  g\"\n"],
    ["what the shell will see stays", "FROM a\nRUN   a  \\  \n\t&&   b \\\n\n  # c \n      c\n", "FROM a\nRUN a  \\\n\t&&   b \\\n  # c\n      c\n"],
    ["lists", 'FROM a\nCMD [ "b","c" , "\\u00e9"]\n', 'FROM a\nCMD ["b", "c", "\\u00e9"]\n'],
    ["a list over several lines stays", 'FROM a\nCMD ["b", \\\n  "c"]\n', 'FROM a\nCMD ["b", \\\n  "c"]\n'],
    ["continuation lines between words", "FROM a\nENV b=1   \\\n\n# why\n      c=2\\\n d=3\n", "FROM a\nENV b=1 \\\n    # why\n    c=2 \\\n    d=3\n"],
    ["a space that is none to a continuation", "FROM a\nUSER b\\\u00a0\n", "FROM a\nUSER b\\\u00a0\n"],
    ["flags on lines of their own", "FROM a\nRUN \\\n  --network=none   \\\n  b\n", "FROM a\nRUN \\\n    --network=none \\\n    b\n"],
    ["an empty line before a stage, above its comments, and never two", "FROM a\nUSER b\n# second\nFROM c\n\n\n\nUSER d\n\n\n", "FROM a\nUSER b\n\n# second\nFROM c\n\nUSER d\n"],
    ["a comment that is not the stage's", "FROM a\n# b\n\nFROM c\n", "FROM a\n# b\n\nFROM c\n"],
    ["here-documents stay", "FROM a\nRUN   <<E\n  # b  \n\n\nE\nFROM c\n", "FROM a\nRUN <<E\n  # b  \n\n\nE\n\nFROM c\n"],
    ["directives", "#syntax = docker/dockerfile:1\n#  escape=`\nFROM a\nENV b=1 `\n c=2\n", "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nENV b=1 `\n    c=2\n"],
    ["an empty line that keeps a comment from being a directive", "\n\n# escape=`\nFROM a\n", "\n# escape=`\nFROM a\n"],
    ["empty lines at the top", "\n\n# b\nFROM a\n", "# b\nFROM a\n"],
    ["comments that end an instruction", "FROM a \\\n  # b\n", "FROM a\n# b\n"],
    ["line ends and the byte order mark", "\uFEFFfrom a\r\nCOPY <<E /b\r\nc\nE\nUSER   d", "\uFEFFFROM a\r\nCOPY <<E /b\r\nc\nE\nUSER d\r\n"],
    ["flags that end", "FROM a\nRUN   --   --b\n", "FROM a\nRUN -- --b\n"],
  ])("%s", (_, before, after) => {
    expect(formatDockerfile(before, "f")).toBe(after);
    expect(formatDockerfile(after, "f")).toBe(after);
  });

  test("a mistake is told, and nothing formatted", () => {
    expect(() => formatDockerfile("FROM a\nRNU b", "f")).toThrow(DockerfileError);
  });
});
