import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuildRig } from "../testing/builds.ts";
import { ImageRig } from "../testing/images.ts";

const rig = new BuildRig();
beforeAll(() => rig.image("base"));
afterAll(() => rig[Symbol.asyncDispose]());

const BAD = "FROM scratch as b\nENV A b\nMAINTAINER me\n";
const MENDED = 'FROM scratch AS b\nENV A=b\nLABEL org.opencontainers.image.authors="me"\n';

describe("laminate check", () => {
  test("prints findings as a compiler does, and exits with 1", async () => {
    const ran = await rig.run(["check", rig.context({ Dockerfile: BAD })]);
    expect(ran).toMatchObject({ code: 1, err: "" });
    expect(ran.out).toMatch(/Dockerfile:1:14: 'as' and 'FROM' keywords' casing do not match \[FromAsCasing\]\n  1 \| FROM scratch as b\n    \|              \^\^\n  --fix: write AS\n/);
    expect(ran.out).toMatch(/\n3 findings, 3 with a fix: --diff shows what --fix does\n$/);
  });

  test("exits with 0 when there is nothing to find", async () => {
    expect(await rig.run(["check", rig.context({ Dockerfile: MENDED })])).toEqual({ code: 0, out: "no findings\n", err: "" });
  });

  test("needs no store, and makes none", async () => {
    await using fresh = new ImageRig();
    writeFileSync(path.join(fresh.directory, "Dockerfile"), MENDED);
    expect(await fresh.run(["check"])).toMatchObject({ code: 0 });
    expect(existsSync(fresh.root)).toBe(false);
  });

  test("knows the base images of the store, and judges no variables of others", async () => {
    const dockerfile = (base: string) => rig.context({ Dockerfile: `FROM ${base}\nWORKDIR a\nENV B=$NOPE\n` });
    expect((await rig.run(["check", dockerfile("base")])).out).toMatch(/--fix: write \/a\n[^]*UndefinedVar/);
    const other = (await rig.run(["check", dockerfile("nobody/has-this")])).out;
    expect(other).toMatch(/WorkdirRelativePath/);
    expect(other).not.toMatch(/UndefinedVar|--fix/);
  });

  test("takes a file, -f and standard input", async () => {
    const directory = rig.context({ "docker/web.Dockerfile": BAD });
    for (const args of [[`${directory}/docker/web.Dockerfile`], ["-f", `${directory}/docker/web.Dockerfile`, directory]]) {
      expect((await rig.run(["check", ...args])).out).toContain("web.Dockerfile:1:14: ");
    }
    expect((await rig.run(["check", "-"], [Buffer.from(BAD)])).out).toContain("Dockerfile:1:14: ");
  });

  test("tells of a mistake with its place, after what else it found", async () => {
    const ran = await rig.run(["check", rig.context({ Dockerfile: "FROM scratch AS a\nENV A b\nCOPY --from=c / /\nFROM scratch AS c\n" })]);
    expect(ran.code).toBe(1);
    expect(ran.out).toContain("[LegacyKeyValueFormat]");
    expect(ran.err).toMatch(/^laminate: .*Dockerfile:3:6: cannot copy from stage "c"[^]*4:1: it is defined here/);
  });

  test.each([
    [["check", "nowhere"], 1, /failed to read dockerfile: open nowhere\/Dockerfile: no such file or directory\nanother file is named with -f/],
    [["check", "--format", "sarfi"], 125, /invalid argument "sarfi" for "--format" flag[^]*sarif/],
    [["check", "--fix", "--format", "json"], 125, /--fix prints a diff, not json/],
    [["check", "--fix", "-"], 125, /--fix changes a file, and standard input is none/],
  ])("%j is refused", async (args, code, message) => {
    const ran = await rig.run(args, [Buffer.from(BAD)]);
    expect(ran).toMatchObject({ out: "" });
    expect(ran.err).toMatch(message);
    expect([1, code]).toContain(ran.code);
  });
});

describe("laminate check --fix", () => {
  test("shows the diff, makes the fixes, and has nothing to do the second time", async () => {
    const directory = rig.context({ Dockerfile: BAD });
    const file = path.join(directory, "Dockerfile");
    const shown = await rig.run(["check", "--diff", directory]);
    expect(shown.out).toMatch(/^--- .*Dockerfile\n\+\+\+ .*Dockerfile\n@@ -1,3 \+1,3 @@\n-FROM scratch as b\n-ENV A b\n-MAINTAINER me\n\+FROM scratch AS b\n\+ENV A=b\n\+LABEL /);
    expect(readFileSync(file, "utf8")).toBe(BAD);
    expect(await rig.run(["check", "--fix", directory])).toEqual({ code: 0, out: shown.out, err: "" });
    expect(readFileSync(file, "utf8")).toBe(MENDED);
    expect(await rig.run(["check", "--fix", directory])).toEqual({ code: 0, out: "", err: "" });
    expect(readFileSync(file, "utf8")).toBe(MENDED);
  });

  test("tells what is left", async () => {
    const ran = await rig.run(["check", "--fix", rig.context({ Dockerfile: "FROM scratch as b\nARG TOKEN\n" })]);
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/^\+FROM scratch AS b\n[^]*\[SecretsUsedInArgOrEnv\][^]*\n1 finding\n$/m);
    expect(ran.out).not.toContain("[FromAsCasing]");
  });

  test("leaves a Dockerfile with a mistake as it is", async () => {
    const directory = rig.context({ Dockerfile: "FROM scratch as b\nCOYP a b\n" });
    const ran = await rig.run(["check", "--fix", directory]);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/Dockerfile:2:1: unknown instruction "COYP"/);
    expect(readFileSync(path.join(directory, "Dockerfile"), "utf8")).toContain("FROM scratch as b");
  });
});

describe("laminate check --format", () => {
  const directory = () => rig.context({ Dockerfile: BAD });

  test("json is what docker build --call=check,format=json prints", async () => {
    const { out } = await rig.run(["check", "--format", "json", directory()]);
    const { warnings, sources } = JSON.parse(out);
    expect(warnings[1]).toEqual({
      ruleName: "LegacyKeyValueFormat",
      description: "Legacy key/value format with whitespace separator should not be used",
      url: "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/",
      detail: '"ENV key=value" should be used instead of legacy "ENV key value" format',
      location: { ranges: [{ start: { line: 2 }, end: { line: 2 } }] },
    });
    expect(Buffer.from(sources[0].data, "base64").toString()).toBe(BAD);
  });

  test("sarif has rules, places and fixes", async () => {
    const { out } = await rig.run(["check", "--format", "sarif", directory()]);
    const { version, runs } = JSON.parse(out);
    expect(version).toBe("2.1.0");
    const [run] = runs;
    expect(run.tool.driver.rules).toHaveLength(21);
    const [first] = run.results;
    expect(run.tool.driver.rules[first.ruleIndex].id).toBe(first.ruleId);
    expect(first.locations[0].physicalLocation.region).toEqual({ startLine: 1, startColumn: 14, endLine: 1, endColumn: 16 });
    expect(first.fixes[0].artifactChanges[0].replacements).toEqual([{ deletedRegion: { startLine: 1, startColumn: 14, endLine: 1, endColumn: 16 }, insertedContent: { text: "AS" } }]);
  });

  test("github has workflow commands", async () => {
    const { out } = await rig.run(["check", "--format", "github", directory()]);
    expect(out.split("\n")[0]).toMatch(/^::warning file=.*Dockerfile,line=1,endLine=1,col=14,title=FromAsCasing::'as' and 'FROM' keywords' casing do not match$/);
    expect(out.trimEnd().split("\n")).toHaveLength(3);
  });
});

describe("laminate build --check", () => {
  test("prints what docker prints, builds nothing, and exits with 1", async () => {
    const { code, out, err } = await rig.run(["build", "--check", rig.context({ Dockerfile: "FROM scratch AS A\n" })]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toBe(
      "Check complete, 1 warning has been found!\n\nWARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/\nStage name 'A' should be lowercase\nDockerfile:1\n--------------------\n   1 | >>> FROM scratch AS A\n--------------------\n",
    );
  });

  test("has nothing to say about a clean one", async () => {
    const ran = await rig.run(["build", "--call=check", rig.context({ Dockerfile: MENDED })]);
    expect(ran).toEqual({ code: 0, out: "Check complete, no warnings found.\n", err: "" });
  });

  test("with error=true names the rules on standard error", async () => {
    const directory = rig.context({ Dockerfile: "# check=error=true\nFROM scratch AS A\n" });
    const { code, err } = await rig.run(["build", "--check", directory]);
    expect({ code, err }).toEqual({ code: 1, err: "ERROR: lint violation found for rules: StageNameCasing\n" });
    const json = JSON.parse((await rig.run(["build", "--call=check,format=json", directory])).out);
    expect(json.buildError).toEqual({ message: "lint violation found for rules: StageNameCasing", location: {} });
  });

  test("--call=targets lists the stages with their comments", async () => {
    const directory = rig.context({ Dockerfile: "# base is what others use\nFROM scratch AS base\nFROM base\n# last other words\nFROM scratch AS last\n" });
    const { out } = await rig.run(["build", "--call=targets", directory]);
    expect(out).toBe("TARGET           DESCRIPTION\nbase             is what others use\n\nlast (default)   other words\n");
    expect(JSON.parse((await rig.run(["build", "--call=targets,format=json", directory])).out).targets[2]).toEqual({
      name: "last",
      description: "other words",
      default: true,
      base: "scratch",
      location: { ranges: [{ start: { line: 5 }, end: { line: 5 } }] },
    });
  });

  test("--call=outline lists what the target takes", async () => {
    const Dockerfile = "# V the version\nARG V=1\nARG TAG=x\nARG UNUSED\nFROM base AS base\nARG V\nFROM base\n# NAME of it\nARG NAME=n$V\nARG Q\nRUN --mount=type=secret,id=npm,required --mount=type=ssh x\nRUN --mount=type=secret,target=/run/k x\nFROM scratch AS other\nARG NOT_HERE\n";
    const directory = rig.context({ Dockerfile });
    expect((await rig.run(["build", "--call=outline", "--target", "1", "--build-arg", "Q=q", directory])).out).toBe(
      "BUILD ARG   VALUE   DESCRIPTION\nV           1       the version\nNAME        n1      of it\nQ           q\n\nSECRET   REQUIRED\nnpm      true\nk\n\nSSH       REQUIRED\ndefault\n",
    );
    expect(JSON.parse((await rig.run(["build", "--call=outline,format=json", directory])).out)).toMatchObject({
      name: "other",
      args: [{ name: "NOT_HERE", location: { ranges: [{ start: { line: 14 }, end: { line: 14 } }] } }],
    });
  });

  test.each([
    ["--call=chekc", /did you mean --call=check\?/],
    ["--call=check,format=yaml", /format=text or format=json or ignorestatus=true or ignorestatus=false, not "format=yaml"/],
  ])("%s is refused", async (flag, message) => {
    const { code, err } = await rig.run(["build", flag, rig.context({ Dockerfile: MENDED })]);
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
  });
});

describe("a build", () => {
  test("tells at its end what the checks found in the stages that it built", async () => {
    const directory = rig.context({ Dockerfile: "FROM scratch as a\nENV A b\nFROM base\nENV C d\n" });
    const { code, err } = await rig.build(directory);
    expect(code).toBe(0);
    expect(err.endsWith(
      "\n\n 2 warnings found (use laminate check to expand):\n - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)\n - LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format (line 4)\n",
    )).toBe(true);
  });

  test("says nothing of them with -q", async () => {
    expect(await rig.run(["build", "-q", rig.context({ Dockerfile: "FROM base as b\n" })])).toMatchObject({ code: 0, err: "" });
  });

  test("does not begin where error=true makes them errors", async () => {
    const { code, err } = await rig.build(rig.context({ Dockerfile: "# check=error=true\nFROM base as b\nRUN true\n" }));
    expect(code).toBe(1);
    expect(err).toContain("lint violation found for rules: FromAsCasing\n - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 2)\n`laminate check` shows the places");
    expect(err).not.toContain("RUN true");
  });

  test("takes the build argument in place of the directive", async () => {
    const directory = rig.context({ Dockerfile: "# check=error=true\nFROM base as b\n" });
    const { code, err } = await rig.build("--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all", directory);
    expect({ code, warned: err.includes("warning") }).toEqual({ code: 0, warned: false });
  });
});
