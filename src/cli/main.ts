import { errnoOf, Failure, reasonOf } from "../base/failure.ts";
import { nearest } from "../base/nearest.ts";
import type { Command, CommandContext, FlagTable, FlagValues } from "./command.ts";
import { COMMANDS, findCommand, loadCommand } from "./commands.ts";
import { parseFlags, type ParsedLine } from "./flags.ts";
import { commandHelp, GLOBAL_FLAGS, MAIN_FLAGS, mainHelp, usageLine } from "./help.ts";
import { Interrupted } from "./interrupted.ts";
import { printable } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

/** Everything of the process that a command may see. */
export type World = Omit<CommandContext, "root"> & { readonly argv: readonly string[] };

/** What stands before the command. */
interface Globals {
  readonly root?: string | undefined;
  readonly debug?: boolean | undefined;
}

/** Runs one command line to its exit code; every expected failure is printed here and nowhere else. */
export async function main(world: World): Promise<number> {
  const globals: { -readonly [K in keyof Globals]: Globals[K] } = {};
  try {
    return await dispatch(world, globals);
  } catch (error) {
    return report(error, world, globals.debug === true);
  }
}

async function dispatch(world: World, globals: { root?: string | undefined; debug?: boolean | undefined }): Promise<number> {
  const line = parseMainLine(world.argv);
  Object.assign(globals, { root: line.flags["root"], debug: line.flags["debug"] });
  if (line.flags["version"] === true) {
    const { packageVersion } = await import("./version.ts");
    world.stdout.write(`laminate version ${packageVersion()}\n`);
    return 0;
  }
  const words = line.args[0] === "help" ? [...line.args.slice(1), "--help"] : line.args;
  const first = words[0];
  if (first === undefined || first === "--help" || line.flags["help"] === true) {
    world.stdout.write(mainHelp());
    return 0;
  }
  const found = findCommand(words);
  if (found === undefined) {
    throw unknownCommand(words);
  }
  const command = await loadCommand(found.name);
  return runCommand(command, found.rest, world, globals);
}

function parseMainLine(argv: readonly string[]): ParsedLine {
  try {
    return parseFlags(withHelpLetter(MAIN_FLAGS), argv, false);
  } catch (error) {
    throw withHint(error, "Run 'laminate --help' for more information");
  }
}

async function runCommand(command: Command, words: readonly string[], world: World, globals: Globals): Promise<number> {
  const line = parseCommandLine(command, words);
  if (line.flags["help"] === true) {
    world.stdout.write(commandHelp(command));
    return 0;
  }
  checkArguments(command, line.args.length);
  const { root = globals.root, debug = globals.debug, help: _help, ...own } = line.flags;
  Object.assign(globals, { debug });
  const { env, cwd, stdin, stdout, stderr, signal } = world;
  const chosen = (root as string | undefined) ?? env["LAMINATE_ROOT"];
  const context: CommandContext = { env, cwd, stdin, stdout, stderr, signal, root: chosen === "" ? undefined : chosen };
  return command.run(context, own as FlagValues<FlagTable>, line.args);
}

function parseCommandLine(command: Command, words: readonly string[]): ParsedLine {
  try {
    return parseFlags(withHelpLetter({ ...GLOBAL_FLAGS, ...command.flags }), words, command.interspersed !== false);
  } catch (error) {
    throw withHint(error, `${usageLine(command)}\nRun 'laminate ${command.name} --help' for more information`);
  }
}

/** `-h` is help except where a command gives it another meaning (`run -h HOST`). */
function withHelpLetter(flags: FlagTable): FlagTable {
  const help = flags["help"];
  const taken = Object.values(flags).some((flag) => flag.short === "h");
  return help === undefined || taken ? flags : { ...flags, help: { ...help, short: "h" } };
}

function checkArguments(command: Command, count: number): void {
  const { min, max } = command.arguments;
  if (count >= min && count <= max) return;
  const wanted =
    max === 0
      ? "accepts no arguments"
      : min === max
        ? `requires ${plural(min)}`
        : count < min
          ? `requires at least ${plural(min)}`
          : `requires at most ${plural(max)}`;
  throw new UsageError("arguments", `'laminate ${command.name}' ${wanted}`, `${usageLine(command)}\nRun 'laminate ${command.name} --help' for more information`);
}

function plural(count: number): string {
  return count === 1 ? "1 argument" : `${count} arguments`;
}

function unknownCommand(words: readonly string[]): UsageError {
  const [first = "", second = ""] = words;
  const written = findCommand([first, "ls"]) !== undefined && second !== "" && !second.startsWith("-") ? `${first} ${second}` : first;
  const meant = nearest(first, Object.keys(COMMANDS));
  const suggestion = meant === undefined || written !== first ? "" : `did you mean 'laminate ${meant}'?\n`;
  return new UsageError("unknown-command", `unknown command: laminate ${written}`, `${suggestion}Run 'laminate --help' for more information`);
}

function withHint(error: unknown, hint: string): unknown {
  if (!(error instanceof UsageError)) return error;
  return new UsageError(error.code, error.message, error.hint === undefined ? hint : `${error.hint}\n${hint}`);
}

function report(error: unknown, world: World, debug: boolean): number {
  const reason: unknown = world.signal.aborted ? world.signal.reason : undefined;
  if (reason instanceof Interrupted) {
    if (reason.signalName === "SIGINT" || reason.signalName === "SIGTERM") world.stderr.write("laminate: interrupted\n");
    return reason.exitCode;
  }
  world.stderr.write(`laminate: ${printable(reasonOf(error))}\n`);
  const hint = error instanceof Failure ? error.hint : hintFor(error);
  if (hint !== undefined) world.stderr.write(`${printable(hint)}\n`);
  if (debug) world.stderr.write(`${trace(error)}\n`);
  return error instanceof UsageError ? error.exitCode : 1;
}

/** What to do about an error that no room expected. */
function hintFor(error: unknown): string | undefined {
  switch (errnoOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return "The disk is full: make room, or keep Laminate's data elsewhere with --root DIR";
    case "EROFS":
      return "The file system is read-only: keep Laminate's data elsewhere with --root DIR";
    case undefined:
      return "This is a mistake in Laminate: please report it with the output of the same command with --debug";
    default:
      return undefined;
  }
}

function trace(error: unknown): string {
  const lines: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) {
    lines.push(`${lines.length === 0 ? "" : "caused by "}${each.stack ?? each.message}`);
  }
  return printable(lines.join("\n"));
}
