import { expect, test } from "vitest";
import { screen } from "../testing/command-line.ts";
import { main } from "./main.ts";

async function laminate(...argv: string[]) {
  const { world, out, err } = screen();
  const code = await main({ ...world, argv });
  await new Promise(setImmediate);
  return { code, out: out(), err: err() };
}

test.each([[[]], [["--help"]], [["-h"]], [["help"]]])("%j prints the help, with an example", async (argv) => {
  const { code, out, err } = await laminate(...argv);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("Usage:  laminate [OPTIONS] COMMAND");
  expect(out).toContain("Example:\n  laminate build");
  expect(out).toMatch(/  completion +Print a completion script/);
});

test.each([["-v"], ["--version"]])("%s prints the version", async (flag) => {
  expect(await laminate(flag)).toEqual({ code: 0, out: expect.stringMatching(/^laminate version \d+\.\d+\.\d+\S*\n$/), err: "" });
});

test.each([[["build", "--help"]], [["build", "-h"]], [["help", "build"]], [["image", "build", "--help"]], [["buildx", "build", "--help"]]])(
  "%j prints that command's help",
  async (argv) => {
    const { code, out } = await laminate(...argv);
    expect(code).toBe(0);
    expect(out).toContain("Usage:  laminate build [OPTIONS] PATH | URL | -\n\nBuild an image from a Dockerfile\n\nExamples:\n  laminate build -t test-image .\n");
    expect(out).toMatch(/^ {6}--build-arg NAME\[=VALUE\] {3,}Set a build-time variable/m);
    expect(out).toMatch(/^ {2}-t, --tag NAME\[:TAG\] /m);
  },
);

test.each([
  [["biuld"], 1, "laminate: unknown command: laminate biuld\ndid you mean 'laminate build'?\nRun 'laminate --help' for more information\n"],
  [["frobnicate"], 1, "laminate: unknown command: laminate frobnicate\nRun 'laminate --help' for more information\n"],
  [["image", "eat"], 1, "laminate: unknown command: laminate image eat\nRun 'laminate --help' for more information\n"],
  [["constructor"], 1, expect.stringContaining("unknown command: laminate constructor")],
  [["--rot", "x", "build"], 125, "laminate: unknown flag: --rot\ndid you mean --root?\nRun 'laminate --help' for more information\n"],
  [
    ["build", "--tagg", "x", "."],
    125,
    "laminate: unknown flag: --tagg\ndid you mean --tag?\nUsage:  laminate build [OPTIONS] PATH | URL | -\nRun 'laminate build --help' for more information\n",
  ],
  [["build"], 1, expect.stringContaining("laminate: 'laminate build' requires 1 argument\nUsage:  laminate build")],
  [["build", "a", "b"], 1, expect.stringContaining("requires 1 argument")],
  [["build", "--progress", "plian", "."], 125, expect.stringContaining("did you mean plain?")],
  [["completion", "fihs"], 1, expect.stringContaining("did you mean fish?")],
  [["build", "--progress", "fancy", "."], 125, expect.stringContaining('invalid argument "fancy" for "--progress" flag: it is one of auto, plain, tty, quiet, none, rawjson')],
  [["build", "--network", "bridge", "."], 125, expect.stringContaining('invalid argument "bridge" for "--network" flag: it is one of default, none, host')],
  [["completion", "tcsh"], 1, expect.stringMatching(/'laminate completion' knows no "tcsh": it is one of bash, zsh, fish/)],
])("%j is refused with exit code %i", async (argv, code, err) => {
  expect(await laminate(...argv)).toEqual({ code, out: "", err });
});
