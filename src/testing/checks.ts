import { parseIgnore } from "../dockerfile/ignore.ts";
import { parseDockerfile } from "../dockerfile/parse/parse.ts";
import { checkDockerfile, type CheckResult } from "../dockerfile/rules/check.ts";
import type { Surroundings } from "../dockerfile/rules/surroundings.ts";

export interface CheckedText {
  readonly ignore?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
}

/** What a check of a text knows besides: `known` is an image with a PATH and a HOME and the directory /srv, others are not at hand. */
export function around({ ignore, buildArgs = {}, target }: CheckedText = {}): Surroundings {
  return {
    buildArgs,
    platform: { os: "linux", architecture: "amd64" },
    baseConfig: (reference) =>
      reference === "known" ? { Env: ["PATH=/bin", "HOME=/root"], WorkingDir: "/srv" } : undefined,
    ...(target === undefined ? {} : { target }),
    ...(ignore === undefined ? {} : { ignore: parseIgnore(ignore, ".dockerignore") }),
  };
}

/** Checks a Dockerfile's text. */
export function checkText(text: string, more: CheckedText = {}): CheckResult {
  return checkDockerfile(parseDockerfile(text, "Dockerfile"), around(more));
}

/** `RuleName 3: message` for each finding. */
export function said(text: string, more: CheckedText = {}): string[] {
  return checkText(text, more).findings.map(
    ({ rule, lines, message }) => `${rule.name} ${lines.first}: ${message}`,
  );
}
