import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { around, checkText, said } from "../../testing/checks.ts";
import { parseDockerfile } from "../parse/parse.ts";
import { meaningOf } from "./meaning.ts";
import { mend } from "./mend.ts";
import { ruleUrl } from "./rule.ts";
import { RULES } from "./rules.ts";

const TWO = "from scratch As X\n";
const [AS, NAME] = [
  "FromAsCasing 2: 'As' and 'from' keywords' casing do not match",
  "StageNameCasing 2: Stage name 'X' should be lowercase",
];

describe("the directive", () => {
  test.each<[directive: string, found: readonly string[]]>([
    ["skip=StageNameCasing", [AS]],
    ["skip=StageNameCasing, FromAsCasing", []],
    ["skip=all", []],
    ["skip=Nonsense", [NAME, AS]],
    ["error=true", [NAME, AS]],
    [" skip = FromAsCasing ; error = false", [NAME]],
  ])("# check=%s", (directive, found) => {
    const text = `# check=${directive}\n${TWO}`;
    expect(said(text).filter((line) => !line.startsWith("Consistent"))).toEqual(found);
  });

  test("gives way to the build argument", () => {
    const buildArgs = { BUILDKIT_DOCKERFILE_CHECK: "skip=FromAsCasing;error=true" };
    const { findings, options } = checkText(`# check=skip=all\n${TWO}`, { buildArgs });
    expect(findings.map(({ rule }) => rule.name)).toEqual(["StageNameCasing"]);
    expect(options.error).toBe(true);
  });

  test("skips all but the experimental rules that it asks for", () => {
    const text = "# check=skip=all;experimental=CopyIgnoredFile\nfrom scratch\nCOPY a.md /\n";
    expect(said(text, { ignore: "*.md" })).toEqual([
      'CopyIgnoredFile 3: Attempting to Copy file "a.md" that is excluded by .dockerignore',
    ]);
  });

  test.each([
    ["skpi=all", /Dockerfile:1:9: invalid check option "skpi"/, "did you mean skip=?"],
    [
      "error=yes",
      /Dockerfile:1:9: the check option error=yes is neither true nor false/,
      "error=true makes findings fail the build",
    ],
    [
      "skip",
      /Dockerfile:1:9: the check option "skip" has no value/,
      "as in skip=StageNameCasing,UndefinedVar;error=true",
    ],
  ])("that cannot be understood is an error at its place: %s", (directive, message, hint) => {
    expect(() => checkText(`# check=${directive}\n${TWO}`)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message), hint }),
    );
  });

  test("a build argument that cannot be understood is named", () => {
    expect(() => checkText(TWO, { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: "a=b" } })).toThrow(
      /^BUILDKIT_DOCKERFILE_CHECK: invalid check option "a"/,
    );
  });
});

test("a target is looked into with the stages that it needs, and no other", () => {
  const text = [
    "FROM scratch AS a",
    "ENV A x",
    "FROM scratch AS b",
    "COPY --from=a / /",
    "ENV B x",
    "FROM scratch AS c",
    "ENV C x",
  ].join("\n");
  const lines = (target?: string) =>
    checkText(text, target === undefined ? {} : { target }).findings.map((one) => one.lines.first);
  expect(lines()).toEqual([2, 5, 7]);
  expect(lines("b")).toEqual([2, 5]);
  expect(lines("a")).toEqual([2]);
});

test("the suggested variable is the first of the nearest, of a stage before with its arguments first", () => {
  const text = "FROM scratch AS a\nENV X=1\nARG H=1\nUSER $C\nFROM a\nUSER $C\n";
  expect(said(text)).toEqual([
    "UndefinedVar 4: Usage of undefined variable '$C' (did you mean $X?)",
    "UndefinedVar 6: Usage of undefined variable '$C' (did you mean $H?)",
  ]);
});

test("docker's address of a rule", () => {
  const urls = new Map(RULES.map((rule) => [rule.name, ruleUrl(rule).split("/").at(-2)]));
  expect(urls.get("JSONArgsRecommended")).toBe("json-args-recommended");
  expect(urls.get("SecretsUsedInArgOrEnv")).toBe("secrets-used-in-arg-or-env");
  expect(urls.get("FromAsCasing")).toBe("from-as-casing");
});

const spaced = fc
  .array(fc.constantFrom("a", "b c", '"q  r"', "'s t'", "$X", "\\ ", "${Y:-z}", "\\\n  "), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join(" "));
const line = fc.oneof(
  fc
    .tuple(fc.constantFrom("ENV", "env", "LABEL", "Label"), spaced)
    .map(([word, value]) => `${word} K ${value}`),
  fc.constantFrom(
    "COPY a \\\n\n  b /c/",
    "copy a /",
    "EXPOSE 1.2.3.4:80:80/TCP 53/Udp",
    "run true",
    "ARG A=1",
    "WORKDIR /x",
  ),
);

test("fixes never change what a Dockerfile means, unless that is what they are for, and leave nothing to fix", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const text = `FROM scratch as X\n${lines.join("\n")}\n`;
      let before;
      try {
        before = meaningOf(parseDockerfile(text, "Dockerfile"));
      } catch {
        return; // no Dockerfile: a quote that is not closed, say
      }
      const { text: fixed, mended } = mend(text, "Dockerfile", around());
      expect(mended.filter(({ fix }) => fix!.changesMeaning)).toEqual([]);
      expect(meaningOf(parseDockerfile(fixed, "Dockerfile"))).toBe(before);
      expect(mend(fixed, "Dockerfile", around()).text).toBe(fixed);
    }),
    { numRuns: 300 },
  );
});

test("ten thousand lines with a finding each are checked and mended in one go", () => {
  const text = `FROM known\n${"env A b\n".repeat(5000)}${"EXPOSE 80/TCP\n".repeat(5002)}`;
  const { text: fixed, mended } = mend(text, "Dockerfile", around());
  expect(mended.length).toBe(5000 * 2 + 5002);
  expect(fixed).toBe(`FROM known\n${"ENV A=b\n".repeat(5000)}${"EXPOSE 80/tcp\n".repeat(5002)}`);
});
