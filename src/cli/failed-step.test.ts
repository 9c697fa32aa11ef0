import { expect, test } from "vitest";
import { FailedStep } from "../api/failed-step.ts";
import { ExecuteError } from "../executors/execute-error.ts";
import { SolveError } from "../solver/solve-error.ts";
import { screen } from "../testing/command-line.ts";
import { reportFailedStep } from "./failed-step.ts";

const DOCKERFILE = "FROM a\nENV a=1\n\nRUN true && \\\n  false\nCMD x\nCMD y\nCMD z\n";

test("a failed step is shown in its Dockerfile as BuildKit shows it", async () => {
  const cause = new ExecuteError("command-failed", 'process "/bin/sh -c false" did not complete successfully: exit code: 1', { exitCode: 1 });
  const origin = { file: "Dockerfile", line: 4, endLine: 5 };
  const error = new SolveError({ id: 1, name: "[2/2] RUN false", operation: { kind: "scratch" }, inputs: [], origin }, cause);
  const { world, err } = screen();
  expect(reportFailedStep(new FailedStep(error, DOCKERFILE), world.stderr)).toBe(true);
  await new Promise(setImmediate);
  expect(err()).toBe(`Dockerfile:4
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

test("what is no step's failure is left to main", () => {
  expect(reportFailedStep(new Error("x"), screen().world.stderr)).toBe(false);
});
