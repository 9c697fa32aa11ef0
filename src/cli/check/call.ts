import type { CheckInput, CheckSettings } from "../../api/check.ts";
import type { Laminate } from "../../api/laminate.ts";
import { nearest } from "../../base/nearest.ts";
import type { CommandContext } from "../command.ts";
import { printable } from "../printable.ts";
import { UsageError } from "../usage-error.ts";
import { dockerJson, dockerText } from "./docker-report.ts";

const OPTIONS: readonly string[] = ["format=text", "format=json", "ignorestatus=true", "ignorestatus=false"];
const METHODS = ["build", "check", "outline", "targets"] as const;

/** What `--call` asks for instead of a build. */
export interface Call {
  readonly method: (typeof METHODS)[number];
  readonly format: "text" | "json";
  /** Warnings alone are no failure. */
  readonly ignoreStatus: boolean;
}

/** Reads `--call=METHOD[,format=FORMAT][,ignorestatus=true]` and `--check`. Throws UsageError. */
export function parseCall(call: string | undefined, check: boolean): Call {
  const [name = "build", ...options] = call?.split(",") ?? [];
  const method = name === "lint" ? "check" : name;
  if (check && call !== undefined && method !== "check") {
    throw new UsageError("bad-value", `--check means --call=check, and --call=${call} is given too`);
  }
  if (!isMethod(method)) {
    const near = nearest(method, METHODS);
    throw new UsageError("bad-value", `invalid argument "${call}" for "--call" flag: it is one of ${METHODS.join(", ")}`, near === undefined ? {} : { hint: `did you mean --call=${near}?` });
  }
  const asked = new Map<string, string>();
  for (const option of options) {
    if (!OPTIONS.includes(option)) {
      throw new UsageError("bad-value", `invalid argument "${call}" for "--call" flag: after the method comes ${OPTIONS.join(" or ")}, not ${JSON.stringify(option)}`);
    }
    const [key, value] = option.split("=") as [string, string];
    asked.set(key, value);
  }
  return { method: check ? "check" : method, format: asked.get("format") === "json" ? "json" : "text", ignoreStatus: asked.get("ignorestatus") === "true" };
}

function isMethod(text: string): text is Call["method"] {
  return (METHODS as readonly string[]).includes(text);
}

/** Checks a Dockerfile, lists its targets or what one of them takes, and prints that as docker does; gives the exit code. */
export async function runCall({ method, format, ignoreStatus }: Call, { stdout, stderr }: Pick<CommandContext, "stdout" | "stderr">, laminate: Laminate, input: CheckInput, settings: CheckSettings): Promise<number> {
  if (method === "targets") {
    const { listTargets, targetsJson, targetsText } = await import("./targets.ts");
    const targets = listTargets(input);
    stdout.write(format === "json" ? targetsJson(targets, input.text) : targetsText(targets));
    return 0;
  }
  const { check, outline } = await import("../../api/check.ts");
  if (method === "outline") {
    const { outlineJson, outlineText } = await import("./outline.ts");
    const found = await outline(laminate, input, settings);
    stdout.write(format === "json" ? outlineJson(found, input.text) : outlineText(found));
    return 0;
  }
  const report = await check(laminate, input, settings);
  stdout.write(format === "json" ? dockerJson(report) : dockerText(report));
  if (report.error !== undefined && format === "text") {
    const { message, hint } = report.error;
    stderr.write(`ERROR: ${printable(message)}\n${hint === undefined ? "" : `${printable(hint)}\n`}`);
  }
  return (report.findings.length > 0 && !ignoreStatus) || report.error !== undefined ? 1 : 0;
}
