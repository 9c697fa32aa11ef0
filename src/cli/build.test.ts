import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { screen } from "../testing/command-line.ts";
import { main } from "./main.ts";

const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find((file) => existsSync(file));
let directory: string;
let root: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "laminate-build-"));
  root = join(directory, "root");
  mkdirSync(join(directory, "context"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, "context", name), text);
}

async function laminate(...argv: string[]) {
  const { world, out, err } = screen({ cwd: join(directory, "context"), env: { ...process.env, LAMINATE_ROOT: root, DOCKER_CONFIG: directory, FROM_ENV: "yes" } });
  const code = await main({ ...world, argv });
  await new Promise(setImmediate);
  return { code, out: out(), err: err() };
}

const ID = /^sha256:[0-9a-f]{64}$/;

describe("a build without processes", () => {
  beforeEach(() => write({ Dockerfile: "FROM scratch\nCOPY a /a\nCOPY b /b\nCMD [\"/a\"]\n", a: "1", b: "1" }));

  test("names its steps, then its image; again, all are cached and nothing has to be explained", async () => {
    const first = await laminate("build", "-t", "test-image", ".");
    expect(first).toMatchObject({ code: 0, out: "" });
    expect(first.err).toMatch(/^#\d+ \[.*\] COPY a \/a$/m);
    expect(first.err).toMatch(/^#\d+ writing image sha256:[0-9a-f]{64} done$/m);
    expect(first.err).toMatch(/^#\d+ naming to \S*test-image\S* done$/m);
    const second = await laminate("build", "-t", "test-image", ".");
    expect(second.err.match(/ CACHED$/gm)).toHaveLength(2);
    expect(second.err).not.toContain("MISS");
    expect(/writing image (\S+)/.exec(second.err)![1]).toBe(/writing image (\S+)/.exec(first.err)![1]);
  });

  test("after a change the first step that missed says why, once", async () => {
    await laminate("build", ".");
    write({ b: "2" });
    const { err } = await laminate("build", ".");
    expect(err.match(/ MISS /g)).toHaveLength(1);
    expect(err).toMatch(/ MISS .*COPY b \/b.*runs again/);
    expect(err.match(/ CACHED$/gm)).toHaveLength(1);
  });

  test("-q prints the image ID alone, --iidfile writes it", async () => {
    const { code, out, err } = await laminate("build", "-q", "--iidfile", "id", "-t", "x", ".");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.trimEnd()).toMatch(ID);
    expect(readFileSync(join(directory, "context", "id"), "utf8")).toBe(out.trimEnd());
  });

  test("build arguments come from the command line or from the environment", async () => {
    write({ Dockerfile: "FROM scratch\nARG FROM_ENV=no\nARG B\nARG NOT_SET=default\nLABEL all=$FROM_ENV-$B-$NOT_SET\n" });
    const { code, err } = await laminate("build", "--build-arg", "FROM_ENV", "--build-arg=B=b=c", "--build-arg", "NOT_SET", "--label", "x=y", "-t", "args", ".");
    expect({ code, failed: err.includes("ERROR") }).toEqual({ code: 0, failed: false });
  });

  test("a file that is not there fails the step, shown with its line in the Dockerfile", async () => {
    write({ Dockerfile: "FROM scratch\nCOPY a /a\nCOPY missing /m\n" });
    const { code, out, err } = await laminate("build", ".");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("Dockerfile:3\n--------------------\n   1 |     FROM scratch\n   2 |     COPY a /a\n   3 | >>> COPY missing /m\n--------------------\nERROR: failed to solve: ");
    expect(err).not.toContain("laminate:");
  });

  test("a mistake in the Dockerfile is shown once, with its line", async () => {
    write({ Dockerfile: "FROM scratch\nCOYP a /a\n" });
    const { code, err } = await laminate("build", ".");
    expect(code).toBe(1);
    expect(err).toMatch(/^laminate: Dockerfile:2:1: .*COYP/);
    expect(err.match(/COYP a/g)).toHaveLength(1);
  });
});

describe.skipIf(BUSYBOX === undefined)("a build with processes", () => {
  function writeRun(command: string): void {
    copyFileSync(BUSYBOX!, join(directory, "context", "busybox"));
    write({ Dockerfile: `FROM scratch\nCOPY busybox /bin/sh\nRUN ${command}\n` });
  }

  test("output and failure of a command are shown as docker does", async () => {
    writeRun("echo hello; echo trouble >&2; exit 3");
    const { code, err } = await laminate("build", ".");
    expect(code).toBe(1);
    expect(err).toMatch(/^#\d+ \d+\.\d{3} hello$/m);
    expect(err).toMatch(/------\n > \[.*\] RUN echo hello.*:\n(\d+\.\d{3} (hello|trouble)\n){2}------\nDockerfile:3\n/);
    expect(err).toContain('ERROR: failed to solve: process "/bin/sh -c echo hello; echo trouble >&2; exit 3" did not complete successfully: exit code: 3\n');
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends the step and leaves exit code %i", async (signal, code) => {
    writeRun("echo started; while :; do :; done");
    const bin = join(import.meta.dirname, "..", "..", "bin", "laminate");
    const env = { ...process.env, LAMINATE_ROOT: root, LAMINATE_SOURCE: "1" };
    const child = spawn(bin, ["build", "--progress=plain", "."], { cwd: join(directory, "context"), env, stdio: ["ignore", "ignore", "pipe"] });
    let err = "";
    child.stderr.on("data", (data: Buffer) => {
      if (!err.includes(" started\n") && `${err}${data.toString()}`.includes(" started\n")) child.kill(signal);
      err += data.toString();
    });
    const ended = await new Promise((resolve) => child.once("close", resolve));
    expect({ ended, last: err.trimEnd().split("\n").at(-1) }).toEqual({ ended: code, last: "laminate: interrupted" });
    expect(err).toMatch(/^#\d+ CANCELED$/m);
  });
});
