import { type CommandContext, defineCommand, type FlagValues } from "../command.ts";

const flags = {
  check: { kind: "boolean", summary: "Change nothing; name the files that are not formatted, and exit with 1 when there is one" },
  diff: { kind: "boolean", summary: "Change nothing; show what would change as a diff" },
} as const;

export const command = defineCommand({
  name: "fmt",
  summary: "Format Dockerfiles",
  usage: "[OPTIONS] [FILE | PATH | -]...",
  examples: ["laminate fmt", "laminate fmt --check --diff Dockerfile docker/*.Dockerfile", "laminate fmt - < Dockerfile"],
  flags,
  arguments: { min: 0, max: Infinity },
  async run(context, modes, places) {
    const { Failure } = await import("../../base/failure.ts");
    const { report } = await import("../report.ts");
    let code = 0;
    for (const place of places.length === 0 ? ["."] : places) {
      try {
        const isFormatted = await format(context, modes, place);
        if (!isFormatted && modes.check === true) code = 1;
      } catch (error) {
        // The other files are formatted all the same.
        if (!(error instanceof Failure)) throw error;
        code = report(error, context, false);
      }
    }
    return code;
  },
});

/** False when the file is not formatted, or was not. */
async function format({ cwd, stdin, stdout }: CommandContext, { check, diff }: FlagValues<typeof flags>, place: string): Promise<boolean> {
  const [{ readCheckInput }, { formatDockerfile }] = await Promise.all([import("../../api/check-input.ts"), import("../../dockerfile/format/format.ts")]);
  const { text, name, path } = await readCheckInput({ place, cwd, stdin });
  const formatted = formatDockerfile(text, name);
  const isFormatted = formatted === text;
  if (diff === true) {
    const { printDiff } = await import("../check/print-diff.ts");
    printDiff(stdout, text, formatted, name);
  } else if (check !== true && path === undefined) {
    stdout.write(formatted);
  } else if (!isFormatted) {
    if (check !== true) await (await import("../../api/replace-file.ts")).replaceFile(path!, text, formatted);
    stdout.write(`${name}\n`);
  }
  return isFormatted;
}
