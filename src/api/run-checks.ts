import { parseDockerfile } from "../dockerfile/parse/parse.ts";
import { checkDockerfile, rulesOf } from "../dockerfile/rules/check.ts";
import type { Surroundings } from "../dockerfile/rules/surroundings.ts";
import type { EventSink } from "../events/build-event.ts";
import type { BuildContext } from "../executors/context/build-context.ts";
import { BuildFailure } from "./build-failure.ts";

/** Says what the build checks find; with `error=true` in the Dockerfile that is an error. */
export function runChecks({ dockerfile: { text, name } }: BuildContext, events: EventSink, around: Surroundings): void {
  const { findings, options } = checkDockerfile(parseDockerfile(text, name), around);
  if (options.error && findings.length > 0) {
    const list = findings.map(({ rule, message, lines }) => ` - ${rule.name}: ${message} (line ${lines.first})`);
    throw new BuildFailure("checks", `lint violation found for rules: ${rulesOf(findings).join(", ")}\n${list.join("\n")}`, { hint: "`laminate check` shows the places, and mends some with --fix" });
  }
  for (const { rule, message, lines } of findings) {
    events({ type: "check", rule: rule.name, message, file: name, line: lines.first, time: Date.now() });
  }
}
