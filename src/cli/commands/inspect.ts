import type { Description } from "../../api/inspect.ts";
import { Failure } from "../../base/failure.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import { errorLines } from "../error-lines.ts";

const flags = {
  format: { kind: "string", short: "f", value: "TEMPLATE", summary: "A Go template, or json" },
  size: { kind: "boolean", short: "s", summary: "Taken for docker's sake: sizes are always there" },
  type: { kind: "string", value: "TYPE", choices: ["image", "container"], summary: "Look only among images or containers: image or container" },
} as const;

export const command = defineCommand({
  name: "inspect",
  summary: "Return low-level information on images and containers",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  examples: ["laminate inspect test-image", "laminate inspect -f '{{.Config.WorkingDir}} {{json .Config.Cmd}}' test-image", "laminate inspect -f '{{.State.Status}}' hello"],
  flags,
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const type = values.type;
    const print = await printer(context, values.format);
    const [{ inspect }, { open }] = await Promise.all([import("../../api/inspect.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const found: Description[] = [];
    const failures: Failure[] = [];
    for (const name of names) {
      try {
        found.push(await inspect(laminate, { name, ...(type === undefined ? {} : { type }) }));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failures.push(error);
      }
    }
    print(found);
    for (const failure of failures) context.stderr.write(errorLines(failure));
    return failures.length === 0 ? 0 : 1;
  },
});

/** What prints the objects; a template that cannot be read fails before any is looked for. */
async function printer({ stdout }: CommandContext, format: string | undefined): Promise<(found: readonly Description[]) => void> {
  const [{ compileTemplate }, { goJson }] = await Promise.all([import("../go-template.ts"), import("../go-values.ts")]);
  if (format === undefined) {
    return (found) => stdout.write(`${goJson(found.map(({ value }) => value), "    ")}\n`);
  }
  const template = compileTemplate(format === "json" ? "{{json .}}" : format);
  const { templateValue } = await import("../inspect-value.ts");
  return (found) => found.forEach((each) => stdout.write(`${template(templateValue(each))}\n`));
}
