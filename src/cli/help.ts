import type { Command, Flag, FlagTable } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { flagName } from "./flags.ts";

/** Flags that stand before the command, and that each command takes too. */
export const GLOBAL_FLAGS = {
  root: { kind: "string", value: "DIR", summary: "Where images, layers and containers are kept (default: LAMINATE_ROOT)" },
  debug: { kind: "boolean", short: "D", summary: "Show where an error came from" },
  help: { kind: "boolean", summary: "Print this help" },
} as const satisfies FlagTable;

export const MAIN_FLAGS = {
  ...GLOBAL_FLAGS,
  version: { kind: "boolean", short: "v", summary: "Print the version and exit" },
} as const satisfies FlagTable;

/** `laminate --help`. */
export function mainHelp(): string {
  const groups = [...new Set(Object.values(COMMANDS).map((entry) => entry.group))];
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const sections = groups.map((group) => {
    const rows = Object.entries(COMMANDS).filter(([, entry]) => entry.group === group);
    return `${group}:\n${rows.map(([name, entry]) => `  ${name.padEnd(width)}  ${entry.summary}`).join("\n")}`;
  });
  return [
    "Usage:  laminate [OPTIONS] COMMAND",
    "Build, run and publish container images from a Dockerfile: no daemon, no root",
    `Example:\n  laminate build -t test-image . && laminate run --rm -it test-image sh`,
    ...sections,
    `Global Options:\n${flagLines(MAIN_FLAGS)}`,
    "Run 'laminate COMMAND --help' for more information on a command.",
  ].join("\n\n").concat("\n");
}

/** `laminate NAME --help`. */
export function commandHelp(command: Command): string {
  const examples = command.examples.map((line) => `  ${line.replaceAll("\n", "\n  ")}`).join("\n");
  return [
    usageLine(command),
    command.summary,
    ...(examples === "" ? [] : [`${command.examples.length === 1 ? "Example" : "Examples"}:\n${examples}`]),
    ...(Object.keys(command.flags).length === 0 ? [] : [`Options:\n${flagLines(command.flags)}`]),
    `Global Options:\n${flagLines(GLOBAL_FLAGS)}`,
  ].join("\n\n").concat("\n");
}

/** `Usage:  laminate NAME …`. */
export function usageLine(command: Command): string {
  return `Usage:  laminate ${command.name}${command.usage === "" ? "" : ` ${command.usage}`}`;
}

function flagLines(flags: FlagTable): string {
  const rows = Object.entries(flags)
    .map(([key, flag]) => ({ name: flagName(key), flag }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, flag }) => ({ left: flagLeft(name, flag), summary: flag.summary }));
  const width = Math.max(...rows.map((row) => row.left.length));
  return rows.map((row) => `${row.left.padEnd(width)}   ${row.summary}`).join("\n");
}

function flagLeft(name: string, flag: Flag): string {
  const letter = flag.short === undefined ? "    " : `-${flag.short}, `;
  return `  ${letter}--${name}${placeholder(flag)}`;
}

function placeholder(flag: Flag): string {
  if (flag.kind === "boolean") return "";
  const word = flag.value ?? { string: "string", number: "number", list: "list", optional: "string" }[flag.kind];
  return flag.kind === "optional" ? `[=${word}]` : ` ${word}`;
}
