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
    ["FROM debian\nRUN --mount=type=cahce,target=/x y", "2:13", "bad-argument", '"cahce"', "cache?"],
    ["FROM debian\nRUN --mount=type=cache y", "2:5", "bad-argument", "needs a target"],
    ["FROM debian\nRUN --mount=target=/ y", "2:5", "bad-argument", 'the target "/"'],
    ["FROM debian\nRUN --mount=target=/a,tpye=bind y", "2:23", "bad-argument", '"tpye"', "type?"],
    ["FROM debian\nRUN --mount=target=/a,foo y", "2:23", "bad-argument", 'no option "foo"'],
    ["FROM debian\nRUN --mount=target y", "2:13", "bad-argument", "target needs a value"],
    ["FROM debian\nRUN --mount=type=cache,target=/a,sharing=lock y", "2:34", "bad-argument", '"lock"', "locked?"],
    ["FROM debian\nRUN --mount=target=/a,mode=0755 y", "2:23", "bad-argument", "type bind has no mode", "type=cache"],
    ["FROM debian\nRUN --mount=type=cache,target=/a,mode=9 y", "2:34", "bad-argument", "octal"],
    ["FROM debian\nRUN --mount=type=cache,target=/a,uid=web y", "2:34", "bad-argument", "a number"],
    ["FROM debian\nRUN --mount=type=tmpfs,target=/a,size=much y", "2:34", "bad-argument", "a size"],
    ["FROM debian\nRUN --mount=type=tmpfs,target=/a,required y", "2:34", "bad-argument", "no required"],
    ["FROM debian\nRUN --mount=type=secret y", "2:5", "bad-argument", "an id or a target"],
    ["FROM debian\nRUN --mount=type=secret,id=a,source=b y", "2:5", "bad-argument", "not both"],
    ["FROM debian\nRUN --mount=type=secret,id=a,from=b y", "2:30", "bad-argument", "no from"],
    ["FROM debian\nRUN --mount=type=ssh,source=b y", "2:5", "bad-argument", "no source"],
    ["FROM debian\nRUN --mount=target=/a,ro=maybe y", "2:23", "bad-argument", "true or false"],
    ["FROM debian AS a\nRUN --mount=target=/a,from=b y\nFROM debian AS b\nRUN --mount=from=a,target=/a y", "2:23", "stage-order", 'cannot mount from stage "b"'],
    ["FROM debian AS a\nRUN --mount=from=a,target=/a y", "2:13", "stage-order", "itself"],
    ["FROM debian\nRUN --network=host y", "2:5", "not-allowed", "--network=host", "--allow network.host"],
    ["FROM debian\nRUN --security=insecure y", "2:5", "not-allowed", "insecure", "--allow security.insecure"],
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
