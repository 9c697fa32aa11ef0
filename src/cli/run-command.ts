import { nearestHint } from "../base/nearest.ts";
import type { Command, CommandContext, FlagTable, FlagValues } from "./command.ts";
import { parseFlags, type ParsedLine } from "./flags.ts";
import { commandHelp, GLOBAL_FLAGS, usageLine } from "./help.ts";
import { UsageError } from "./usage-error.ts";

/** Everything of the process that a command may see. */
export type World = Omit<CommandContext, "root">;

/** What the global flags said, before the command's name or after it. */
export interface Globals {
  root: string | undefined;
  debug: boolean;
}

/** Reads a command's own words and runs it, or prints its help. */
export async function runCommand(command: Command, words: readonly string[], world: World, globals: Globals): Promise<number> {
  const line = parseCommandLine(command, words);
  const { root: rootFlag, debug, help, ...own } = line.flags;
  if (help === true) {
    world.stdout.write(commandHelp(command));
    return 0;
  }
  globals.root = (rootFlag as string | undefined) ?? globals.root;
  globals.debug ||= debug === true;
  checkArguments(command, line.args);
  const { env, cwd, signal, takeSignals } = world;
  const chosen = globals.root ?? env["LAMINATE_ROOT"];
  const context: CommandContext = {
    env,
    cwd,
    signal,
    takeSignals,
    root: chosen === "" ? undefined : chosen,
    // Getters: reading a stream of the process opens it.
    get stdin() {
      return world.stdin;
    },
    get stdout() {
      return world.stdout;
    },
    get stderr() {
      return world.stderr;
    },
  };
  return command.run(context, own as FlagValues<FlagTable>, line.args);
}

function parseCommandLine(command: Command, words: readonly string[]): ParsedLine {
  try {
    return parseFlags(withHelpLetter({ ...GLOBAL_FLAGS, ...command.flags }), words, command.interspersed !== false);
  } catch (error) {
    throw withHint(unsupported(error, command) ?? error, moreHelp(command));
  }
}

/** A flag of docker that we know and do not have: why, and no guess at another. */
function unsupported(error: unknown, command: Command): UsageError | undefined {
  const name = error instanceof UsageError && error.code === "unknown-flag" ? /^unknown flag: --(\S+)$/.exec(error.message)?.[1] : undefined;
  const why = name === undefined || !Object.hasOwn(command.unsupported ?? {}, name) ? undefined : command.unsupported![name];
  return why === undefined ? undefined : new UsageError("unknown-flag", `--${name} is not supported: ${why}`);
}

/** `-h` is help except where a command gives it another meaning (`run -h HOST`). */
export function withHelpLetter(flags: FlagTable): FlagTable {
  const help = flags["help"];
  const taken = Object.values(flags).some((flag) => flag.short === "h");
  return help === undefined || taken ? flags : { ...flags, help: { ...help, short: "h" } };
}

function checkArguments(command: Command, args: readonly string[]): void {
  const count = args.length;
  if (count < command.arguments.min || count > command.arguments.max) {
    throw new UsageError("arguments", `'laminate ${command.name}' ${wantedArguments(command.arguments, count)}`, { hint: moreHelp(command) });
  }
  const { choices } = command.arguments;
  const wrong = choices === undefined ? undefined : args.find((word) => !choices.includes(word));
  if (wrong !== undefined) {
    throw new UsageError("arguments", `'laminate ${command.name}' knows no "${wrong}": it is one of ${choices!.join(", ")}`, nearestHint(wrong, choices!));
  }
}

function wantedArguments({ min, max }: Command["arguments"], count: number): string {
  if (max === 0) return "accepts no arguments";
  if (min === max) return `requires ${plural(min)}`;
  return count < min ? `requires at least ${plural(min)}` : `requires at most ${plural(max)}`;
}

function plural(count: number): string {
  return count === 1 ? "1 argument" : `${count} arguments`;
}

function moreHelp(command: Command): string {
  return `${usageLine(command)}\nRun 'laminate ${command.name} --help' for more information`;
}

/** A usage error with where to read more below its own hint. */
export function withHint(error: unknown, hint: string): unknown {
  if (!(error instanceof UsageError)) return error;
  return new UsageError(error.code, error.message, { hint: error.hint === undefined ? hint : `${error.hint}\n${hint}` });
}
