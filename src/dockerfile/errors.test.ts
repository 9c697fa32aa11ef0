import { describe, expect, test } from "vitest";
import { errorSubjects, readErrorCases, writeErrorCases } from "../testing/error-cases.ts";
import { build, type Options } from "../testing/lowering.ts";
import { SourceError } from "../diagnostics/source-error.ts";

// test/golden/errors/*.txt. UPDATE_GOLDEN=1 writes what is expected; read the diff as a user would.
const update = process.env["UPDATE_GOLDEN"] === "1";

describe.each(errorSubjects())("mistakes: %s", (subject) => {
  const cases = readErrorCases(subject);

  test.each(cases)("$name", async ({ dockerfile, flags, laminate }) => {
    const message = await messageOf(dockerfile, flags);
    expect(message).toMatch(/^\S.*:\d+:\d+: .+\n +\d+ \| .*\n +\| \s*\^/);
    if (!update) expect(message).toBe(laminate);
  });

  test.runIf(update)("written anew", async () => {
    const told = cases.map(async (one) => ({ ...one, laminate: await messageOf(one.dockerfile, one.flags) }));
    writeErrorCases(subject, await Promise.all(told));
  });
});

test("there are at least eighty, no two of the same name", () => {
  const names = errorSubjects().flatMap((subject) => readErrorCases(subject).map(({ name }) => `${subject}: ${name}`));
  expect(names.length).toBeGreaterThanOrEqual(80);
  expect(new Set(names).size).toBe(names.length);
});

/** What the command prints, after `laminate: `. */
async function messageOf(dockerfile: string, flags: readonly string[]): Promise<string> {
  const error = await build(dockerfile, optionsOf(flags)).then(
    () => new Error("no error at all"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SourceError)) throw error;
  return `${error.message}\n${error.hint === undefined ? "" : `${error.hint}\n`}`;
}

function optionsOf(flags: readonly string[]): Options {
  const buildArgs: Record<string, string> = {};
  let options: Options = { buildArgs };
  for (const flag of flags) {
    const [, name, value] = /^--([^=]+)=(.*)$/.exec(flag)!;
    if (name === "target") options = { ...options, target: value! };
    else if (name === "build-arg") buildArgs[value!.split("=")[0]!] = value!.split("=")[1]!;
    else throw new Error(`Internal error: no flag --${name} in cases`);
  }
  return options;
}
