import { spawnSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuildRig, type ContextFile } from "../testing/builds.ts";

const rig = new BuildRig();
beforeAll(() => rig.image("base"));
afterAll(() => rig[Symbol.asyncDispose]());

const NO_REGISTRY = "localhost:1/nobody/there";

/** A mistake must not leave an image, and must not look like one of ours. */
async function mistake(files: Readonly<Record<string, ContextFile>>, ...args: readonly string[]): Promise<string> {
  const before = await rig.ok(["images", "-aq"]);
  const { code, err, out } = await rig.build("-t", "mistaken", ...args, rig.context(files));
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).not.toMatch(/Internal error|mistake in Laminate|^ +at /m);
  expect(await rig.ok(["images", "-aq"])).toBe(before);
  return err;
}

describe("a mistake in a Dockerfile is named with its file, line and column", () => {
  test.each<[what: string, dockerfile: string, place: string, message: RegExp]>([
    ["an unknown instruction", "FROM base\nCOYP a /\n", "2:1", /unknown instruction "COYP"[^]*did you mean COPY\?/],
    ["an unknown flag", "FROM base\nCOPY --chwon=1 a /\n", "2:6", /unknown flag --chwon of COPY[^]*did you mean --chown\?/],
    ["RUN --mount of no type", "FROM base\nRUN --mount=type=cahce,target=/x true\n", "2:13", /type of a mount cannot be "cahce"[^]*did you mean cache\?/],
    ["RUN --security", "FROM base\nRUN --security=insecure true\n", "2:5", /RUN --security=insecure is not allowed/],
    ["COPY --link of neither", "FROM base\nCOPY --link=1x a /\n", "2:6", /--link is true or false/],
    ["a first line that is no FROM", "RUN true\n", "1:1", /FROM/],
    ["a stage that copies from itself", "FROM base AS a\nCOPY --from=a /x /\n", "2:6", /cannot copy from itself/],
    ["stages that need each other", "FROM base AS a\nCOPY --from=b / /\nFROM base AS b\nCOPY --from=a / /\n", "2:6", /needs to be defined before[^]*3:1: it is defined here/],
    ["a stage of a later line", "FROM later\nFROM base AS later\nFROM 0\n", "3:6", /base image "0"|invalid reference|FROM/],
    ["a here-document without its end", "FROM base\nRUN <<EOT\ntrue\n", "2:5", /EOT/],
    ["too few words", "FROM base\nCOPY a\n", "2:6", /COPY/],
    ["JSON that is none where there must be", "FROM base\nSHELL /bin/sh\n", "2:7", /JSON/],
    ["an unfinished variable", "FROM base\nENV a=${b\n", "2:7", /missing/],
    ["an unknown directive's value", "# escape=x\nFROM base\n", "1:", /escape/],
  ])("%s", async (_, dockerfile, place, message) => {
    const err = await mistake({ Dockerfile: dockerfile, a: "" });
    expect(err).toContain(`laminate: Dockerfile:${place}`);
    expect(err).toMatch(message);
    expect(err).toMatch(/^ +\d+ \| .*\n +\| +\^/m);
  });

  test("by the name that -f gave it", async () => {
    const directory = rig.context({ "build/web.Dockerfile": "FROM base\nRNU x\n" });
    const { code, err } = await rig.build("-f", `${directory}/build/web.Dockerfile`, directory);
    expect(code).toBe(1);
    expect(err).toMatch(/web\.Dockerfile:2:1: unknown instruction "RNU"/);
  });
});

describe("what a Dockerfile needs and is not there is named with its line", () => {
  test("an image that no registry has", async () => {
    const err = await mistake({ Dockerfile: `FROM base AS a\nFROM ${NO_REGISTRY}:1\n` });
    expect(err).toMatch(/Dockerfile:2:6: .*localhost:1\/nobody\/there:1/);
  });

  test("an image of COPY --from", async () => {
    const err = await mistake({ Dockerfile: `FROM base\nCOPY --from=${NO_REGISTRY} /x /\n` });
    expect(err).toMatch(/Dockerfile:2|> .*COPY --from/);
    expect(err).toContain(NO_REGISTRY);
  });

  test("a stage that is nearly written so", async () => {
    expect(await mistake({ Dockerfile: "FROM base AS build\nFROM base\nCOPY --from=biuld /x /\n" })).toMatch(/Dockerfile:3[^]*did you mean the stage "build"\?/);
  });

  test("the stage of --target", async () => {
    expect(await mistake({ Dockerfile: "FROM base AS build\nFROM base\n" }, "--target", "biuld")).toMatch(/target stage "biuld" could not be found[^]*did you mean "build"\?/);
  });

  test("an argument of FROM without a value", async () => {
    expect(await mistake({ Dockerfile: "ARG tag\nFROM base:$tag\n" })).toMatch(/Dockerfile:2:6: /);
  });
});

describe("a mistake on the command line is named with its flag", () => {
  test.each<[args: readonly string[], code: number, message: RegExp]>([
    [["--platform", "vax"], 1, /--platform: "vax" is not a platform\n.*linux\/amd64/],
    [["--network", "bridge"], 125, /invalid argument "bridge" for "--network" flag: it is one of default, none, host/],
    [["-t", "Upper/Case"], 1, /Upper\/Case.*lowercase|lowercase/],
    [["--progress", "fancy"], 125, /--progress/],
    [["--no-cahce"], 125, /unknown flag: --no-cahce\ndid you mean --no-cache\?/],
    [["--build-arg"], 125, /flag needs an argument: --build-arg|requires 1 argument/],
  ])("%j", async (args, code, message) => {
    const ran = await rig.run(["build", rig.context({ Dockerfile: "FROM base\n" }), ...args]);
    expect(ran.err).toMatch(message);
    expect([1, code]).toContain(ran.code);
    expect(ran.err).not.toMatch(/Internal error|mistake in Laminate/);
  });

  test("a runtime that is not there", async () => {
    const { code, err } = await rig.build("--runtime", "/nowhere/runc", rig.context({ Dockerfile: "FROM base\nRUN true\n" }));
    expect(code).toBe(1);
    expect(err).toContain("/nowhere/runc");
    expect(err).toContain("   2 | >>> RUN true");
  });

  test.runIf(process.geteuid!() === 0)("no runtime at all: which package has one; what needs no process is built all the same", () => {
    const hide = 'for c in runc crun; do p="$(command -v "$c")" && mount --bind /dev/null "$p"; done; exec "$@"';
    const entry = path.join(import.meta.dirname, "entry.ts");
    const build = (Dockerfile: string) => {
      const command = ["--mount", "--propagation", "private", "sh", "-c", hide, "sh", process.execPath, entry, "build", "--progress=plain", rig.context({ Dockerfile })];
      return spawnSync("unshare", command, { env: { ...process.env, LAMINATE_ROOT: rig.root }, encoding: "utf8" });
    };
    expect(build("FROM base\nWORKDIR /srv\n")).toMatchObject({ status: 0 });
    const { status, stderr } = build("FROM base\nRUN true\n");
    expect(status).toBe(1);
    expect(stderr).toContain("   2 | >>> RUN true");
    expect(stderr).toMatch(/no OCI runtime was found, neither runc nor crun\ninstall one: apt-get install runc/);
  });

  test("a command that the image does not have", async () => {
    const { code, err } = await rig.build(rig.context({ Dockerfile: 'FROM base\nRUN ["/no/such", "command"]\n' }));
    expect(code).toBe(1);
    expect(err).toMatch(/\/no\/such/);
    expect(err).toContain('   2 | >>> RUN ["/no/such", "command"]');
  });
});
