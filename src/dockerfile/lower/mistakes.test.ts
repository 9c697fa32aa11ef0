import { describe, expect, test } from "vitest";
import { build, type Options } from "../../testing/lowering.ts";
import { DockerfileError } from "../dockerfile-error.ts";

describe("a mistake is shown where it stands", () => {
  test.each<
    [text: string, place: string, code: string, problem: string, hint?: string, options?: Options]
  >([
    [
      "FROM debian AS build\nFROM debian",
      "2:1",
      "unknown-stage",
      'target stage "biuld" could not be found',
      '"build"',
      { target: "biuld" },
    ],
    ["FROM debian", "1:1", "unknown-stage", '"9"', "no stage has a name", { target: "9" }],
    [
      "FROM debian AS build\nFROM buidl",
      "2:6",
      "bad-base",
      'base image "buidl": no image buidl',
      'the stage "build"',
    ],
    ["FROM b AS a\nFROM a AS b", "1:6", "stage-order", '"b" is used before it is defined'],
    [
      "FROM debian AS a\nCOPY --from=b / /\nFROM debian AS b\nCOPY --from=a / /",
      "2:6",
      "stage-order",
      '"b", it needs to be defined before',
    ],
    ["FROM debian AS a\nCOPY --from=a / /", "2:6", "stage-order", "itself"],
    ["FROM debian\nCOPY --from=0 / /", "2:6", "stage-order", "itself"],
    ["FROM debian\nCOPY --from=4 / /", "2:6", "unknown-stage", "no stage 4"],
    [
      "FROM debian\nCOPY --from=$x / /",
      "2:6",
      "bad-argument",
      "does not replace variables",
      "FROM … AS name",
    ],
    ["FROM debian\nCOPY --from=a//x / /", "2:6", "bad-base", "invalid reference"],
    ["FROM debian\nCOPY --from=scratch / /", "2:6", "bad-argument", "nothing in scratch"],
    ["FROM $v", "1:6", "bad-base", "base name ($v) should not be blank", "before the first FROM"],
    ["FROM debian:$v", "1:6", "bad-base", "invalid reference", "before the first FROM"],
    ["FROM Debian", "1:6", "bad-base", "lowercase"],
    ["FROM --platform=vax debian", "1:6", "bad-argument", '"vax" is not a platform'],
    ["FROM bad", "1:1", "unknown-instruction", '"RNU"', "RUN"],
    ["FROM debian\nENV a=${b", "2:7", "bad-substitution", "missing"],
    ["FROM debian\nENV a=1 \\\n  b=${c:?unset}", "3:5", "bad-substitution", "c: unset"],
    ["FROM debian\nENV $x=1", "2:5", "bad-argument", "empty name"],
    ["FROM debian\nEXPOSE 80 99999", "2:11", "bad-argument", '"99999"', "8000-8010"],
    ["FROM debian\nEXPOSE 80/ftp", "2:8", "bad-argument", '"ftp"'],
    ["FROM debian\nEXPOSE 90-80", "2:8", "bad-argument", "ends before"],
    ["FROM debian\nSTOPSIGNAL SIGTRM", "2:12", "bad-argument", '"SIGTRM"', "SIGTERM"],
    ["FROM debian\nVOLUME $x", "2:8", "bad-argument", "empty"],
    ["FROM debian\nCOPY $x /", "2:6", "bad-argument", "empty"],
    ["FROM debian\nCOPY https://h/x /", "2:6", "bad-argument", "cannot fetch", "ADD"],
    ["FROM debian\nCOPY --chmod=999 a /", "2:6", "bad-argument", "not an octal"],
    ["FROM debian\nCOPY --chmod=u+y a /", "2:6", "bad-argument", "not a mode", "u=rwX"],
    ["FROM debian\nADD --checksum=abc https://h/x /", "2:5", "bad-argument", "not a digest", "sha256:"],
    [`FROM debian\nADD --checksum=sha256:${"0".repeat(64)} a /`, "2:5", "bad-argument", "one http(s) source"],
  ])("%j at %s", async (text, place, code, problem, hint, options) => {
    const error = await build(text, options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DockerfileError);
    const mistake = error as DockerfileError;
    expect(mistake.message).toContain(`:${place}: `);
    expect(mistake.problem).toContain(problem);
    expect(mistake.code).toBe(code);
    expect(mistake.hint ?? "").toContain(hint ?? "");
  });

  test("with the second place that matters", async () => {
    await expect(
      build("FROM debian AS a\nCOPY --from=b / /\nFROM debian AS b\nFROM a"),
    ).rejects.toThrow("Dockerfile:3:1: it is defined here\n  3 | FROM debian AS b");
  });

  test("only in stages that the target needs, but syntax everywhere", async () => {
    await expect(build("FROM nothing\nFROM debian")).resolves.toBeDefined();
    await expect(build("FROM nothing\nRNU\nFROM debian")).rejects.toThrow("RNU");
  });

  test("an abort passes as it is", async () => {
    const abort = new DOMException("stop", "AbortError");
    await expect(build("FROM debian", { resolveBase: () => Promise.reject(abort) })).rejects.toBe(
      abort,
    );
  });
});
