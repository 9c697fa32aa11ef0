import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ExecuteError } from "../executors/execute-error.ts";
import { SolveError } from "../solver/solve-error.ts";
import { screen } from "../testing/command-line.ts";
import { reportFailedStep } from "./failed-step.ts";

function failure(): SolveError {
  const cause = new ExecuteError("command-failed", 'process "/bin/sh -c false" did not complete successfully: exit code: 1', { exitCode: 1 });
  const origin = { file: "Dockerfile", line: 4, endLine: 5 };
  return new SolveError({ id: 1, name: "[2/2] RUN false", operation: { kind: "scratch" }, inputs: [], origin }, cause);
}

async function shown(error: unknown, context: string): Promise<string> {
  const { world, err } = screen();
  reportFailedStep(error, { context, cwd: "/", stderr: world.stderr });
  await new Promise(setImmediate);
  return err();
}

test("a failed step is shown in its Dockerfile as BuildKit shows it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "laminate-test-"));
  writeFileSync(join(directory, "Dockerfile"), "FROM a\nENV a=1\n\nRUN true && \\\n  false\nCMD x\nCMD y\nCMD z\n");
  expect(await shown(failure(), directory)).toBe(`Dockerfile:4
--------------------
   2 |     ENV a=1
   3 |
   4 | >>> RUN true && \\
   5 | >>>   false
   6 |     CMD x
   7 |     CMD y
--------------------
ERROR: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1
`);
});

test("a Dockerfile that cannot be read again is named", async () => {
  expect(await shown(failure(), "-")).toBe('Dockerfile:4\nERROR: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1\n');
});

test("what is no step's failure is left to main", () => {
  expect(reportFailedStep(new Error("x"), { context: "/", cwd: "/", stderr: screen().world.stderr })).toBe(false);
});
