import { Failure } from "../../base/failure.ts";
import { nearest } from "../../base/nearest.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import { readDirectives } from "../parse/directives.ts";
import type { Dockerfile } from "../parse/instruction.ts";
import type { Rule } from "./rule.ts";

/** What `# check=skip=…;error=…;experimental=…` says. */
export interface CheckOptions {
  readonly skip: ReadonlySet<string> | "all";
  readonly experimental: ReadonlySet<string> | "all";
  /** A finding is an error, also of a build. */
  readonly error: boolean;
}

/** The build argument that counts instead of the directive. */
export const CHECK_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK";
const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

/** An option of `check` that cannot be understood. */
export class CheckOptionError extends Failure {
  readonly code = "bad-check-option" as const;
}

/** The options of a Dockerfile, or of the build argument where there is one. Throws DockerfileError at the directive, {@link CheckOptionError} for the argument. */
export function checkOptions(
  { source }: Pick<Dockerfile, "source">,
  buildArgs: Readonly<Record<string, string>>,
): CheckOptions {
  const given = Object.hasOwn(buildArgs, CHECK_ARGUMENT) ? buildArgs[CHECK_ARGUMENT] : undefined;
  if (given !== undefined) {
    return parseCheckOptions(given, ({ problem, hint }) => {
      return new CheckOptionError(`${CHECK_ARGUMENT}: ${problem}`, { hint });
    });
  }
  const written = readDirectives(source).check ?? "";
  return parseCheckOptions(written, ({ problem, hint }) => {
    const line = 1 + source.rawLines.findIndex((text) => /^\s*#\s*check\s*=/i.test(text));
    const column = source.line(line).indexOf(written) + 1;
    const range = { start: { line, column }, end: { line, column: column + written.length } };
    return new DockerfileError("bad-argument", source, range, problem, { hint });
  });
}

type Fail = (mistake: { readonly problem: string; readonly hint: string }) => Error;

function parseCheckOptions(text: string, fail: Fail): CheckOptions {
  const found: {
    skip: CheckOptions["skip"];
    experimental: CheckOptions["experimental"];
    error: boolean;
  } = {
    skip: new Set(),
    experimental: new Set(),
    error: false,
  };
  for (const part of text.trim() === "" ? [] : text.split(";")) {
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    const value = equals < 0 ? undefined : part.slice(equals + 1).trim();
    if (value === undefined || (name !== "skip" && name !== "error" && name !== "experimental")) {
      throw fail(unknown(name, value));
    }
    if (name === "error") {
      found.error = boolean(value, fail);
    } else {
      found[name] = value === "all" ? "all" : new Set(value.split(",").map((one) => one.trim()));
    }
  }
  return found;
}

function unknown(name: string, value: string | undefined): Parameters<Fail>[0] {
  const near = nearest(name, ["skip", "error", "experimental"]);
  const problem =
    value === undefined
      ? `the check option ${JSON.stringify(name)} has no value`
      : `invalid check option ${JSON.stringify(name)}`;
  const hint =
    near === undefined || value === undefined
      ? "as in skip=StageNameCasing,UndefinedVar;error=true"
      : `did you mean ${near}=?`;
  return { problem, hint };
}

function boolean(value: string, fail: Fail): boolean {
  if (!TRUE.includes(value) && !FALSE.includes(value)) {
    throw fail({
      problem: `the check option error=${value} is neither true nor false`,
      hint: "error=true makes findings fail the build",
    });
  }
  return TRUE.includes(value);
}

/** Whether a rule runs: an experimental one only when asked for, and `skip=all` is for the others. */
export function isWanted({ name, experimental }: Rule, options: CheckOptions): boolean {
  const skipped = options.skip !== "all" && options.skip.has(name);
  if (experimental === true) {
    return !skipped && (options.experimental === "all" || options.experimental.has(name));
  }
  return options.skip !== "all" && !skipped;
}
