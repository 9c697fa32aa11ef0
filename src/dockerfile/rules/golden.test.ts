import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { around } from "../../testing/checks.ts";
import { parseDockerfile } from "../parse/parse.ts";
import { checkDockerfile } from "./check.ts";
import { meaningOf } from "./meaning.ts";
import { mend } from "./mend.ts";
import { printFinding } from "./print.ts";
import { RULES } from "./rules.ts";

// test/golden/checks/RULE/CASE/: Dockerfile, .dockerignore where there is one, expected.txt (what `laminate check`
// prints), fixed.Dockerfile where --fix changes something. UPDATE_GOLDEN=1 writes what is expected; read the diff.
const golden = path.join(import.meta.dirname, "../../../test/golden/checks");
const update = process.env["UPDATE_GOLDEN"] === "1";
const directories = (place: string): string[] =>
  readdirSync(place, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );

const cases = directories(golden).flatMap((rule) =>
  directories(path.join(golden, rule)).map((name) => ({ rule, name })),
);

function read(rule: string, name: string, file: string): string | undefined {
  const place = path.join(golden, rule, name, file);
  return existsSync(place) ? readFileSync(place, "utf8") : undefined;
}

function expectFile(rule: string, name: string, file: string, text: string | undefined): void {
  const place = path.join(golden, rule, name, file);
  if (update) {
    rmSync(place, { force: true });
    if (text !== undefined) writeFileSync(place, text);
  }
  expect(read(rule, name, file)).toBe(text);
}

test("every rule has its golden cases, and every folder is a rule's", () => {
  expect(directories(golden).sort()).toEqual(RULES.map(({ name }) => name).sort());
  for (const rule of directories(golden)) {
    const found = directories(path.join(golden, rule)).map(
      (name) => read(rule, name, "expected.txt") ?? "",
    );
    expect(
      found.some((text) => text.includes(`[${rule}]`)),
      rule,
    ).toBe(true);
  }
});

describe.each(cases)("$rule, $name", ({ rule, name }) => {
  const text = read(rule, name, "Dockerfile")!;
  const ignore = read(rule, name, ".dockerignore");
  const known = around(ignore === undefined ? {} : { ignore });

  test("the findings are as expected", () => {
    const dockerfile = parseDockerfile(text, "Dockerfile");
    const { findings } = checkDockerfile(dockerfile, known);
    const printed = findings.map((finding) => `${printFinding(dockerfile.source, finding)}\n`);
    expectFile(rule, name, "expected.txt", printed.join(""));
  });

  test("the fixes are as expected, and made twice they change nothing more", () => {
    const { text: fixed, mended } = mend(text, "Dockerfile", known);
    expectFile(rule, name, "fixed.Dockerfile", fixed === text ? undefined : fixed);
    expect(mend(fixed, "Dockerfile", known)).toEqual({ text: fixed, mended: [] });
    if (mended.every(({ fix }) => fix!.changesMeaning !== true)) {
      expect(meaningOf(parseDockerfile(fixed, "Dockerfile"))).toBe(
        meaningOf(parseDockerfile(text, "Dockerfile")),
      );
    }
  });
});
