import { FORMATS } from "../check/formats.ts";
import { type CommandContext, defineCommand, type FlagValues } from "../command.ts";
import { UsageError } from "../usage-error.ts";

const flags = {
  file: { kind: "string", short: "f", value: "FILE", summary: "The Dockerfile (default: PATH/Dockerfile); - reads it from standard input" },
  format: { kind: "string", value: "FORMAT", choices: FORMATS, summary: "text, json (as of docker build --call=check), sarif, or github (workflow commands)" },
  fix: { kind: "boolean", summary: "Show the safe fixes as a diff, and make them" },
  diff: { kind: "boolean", summary: "Show the safe fixes as a diff, and change nothing" },
  "build-arg": { kind: "list", value: "NAME[=VALUE]", summary: "Set a build-time variable; without a value it is taken from the environment" },
  target: { kind: "string", value: "STAGE", summary: "Look only into this stage and those that it needs" },
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform of the image, as linux/arm64" },
} as const;

export const command = defineCommand({
  name: "check",
  summary: "Check a Dockerfile, and mend it",
  usage: "[OPTIONS] [PATH | FILE | -]",
  examples: ["laminate check", "laminate check --fix docker/Dockerfile", "laminate check --format sarif . > checks.sarif"],
  flags,
  arguments: { min: 0, max: 1 },
  async run(context, values, [place = "."]) {
    const [{ check, fix }, { readCheckInput }, { formatReport }, { buildArguments }] = await Promise.all([
      import("../../api/check.ts"),
      import("../../api/check-input.ts"),
      import("../check/formats.ts"),
      import("../build-arguments.ts"),
    ]);
    const { file, target, platform, format = "text" } = values;
    if ((values.fix === true || values.diff === true) && format !== "text") {
      throw new UsageError("bad-value", `--${values.fix === true ? "fix" : "diff"} prints a diff, not ${format}: give no --format`);
    }
    const input = await readCheckInput({ place, cwd: context.cwd, stdin: context.stdin, ...(file === undefined ? {} : { file }) });
    if (values.fix === true && input.path === undefined) {
      throw new UsageError("bad-value", "--fix changes a file, and standard input is none: --diff shows what it would do");
    }
    const settings = { buildArgs: buildArguments(values["build-arg"], context.env), ...(target === undefined ? {} : { target }), ...(platform === undefined ? {} : { platform }) };
    await using laminate = await (await import("../open-laminate.ts")).openWhereThereIsOne(context);
    let { text } = input;
    if (values.fix === true || values.diff === true) {
      const { printDiff } = await import("../check/print-diff.ts");
      const fixed = await fix(laminate, input, settings);
      printDiff(context.stdout, text, fixed.text, input.name);
      if (values.fix === true && fixed.text !== text) {
        await (await import("../../api/replace-file.ts")).replaceFile(input.path!, text, fixed.text);
      }
      ({ text } = fixed);
    }
    return await tell(context, values, formatReport, await check(laminate, { ...input, text }, settings));
  },
});

type Values = FlagValues<typeof flags>;

/** Prints what was found, or with a diff what is left; 1 when that is anything. */
async function tell({ stdout, stderr }: CommandContext, { format = "text", diff, fix }: Values, formatReport: typeof import("../check/formats.ts").formatReport, report: import("../../api/check.ts").CheckReport): Promise<number> {
  const { findings, error } = report;
  const isQuiet = (fix === true || diff === true) && findings.length === 0;
  if (!isQuiet) stdout.write(formatReport(report, format));
  if (error !== undefined) {
    const { printable } = await import("../printable.ts");
    stderr.write(`laminate: ${printable(error.message)}\n${error.hint === undefined ? "" : `${printable(error.hint)}\n`}`);
  }
  return findings.length > 0 || error !== undefined ? 1 : 0;
}
