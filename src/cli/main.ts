import { nearest } from "../base/nearest.ts";
import { COMMANDS, findCommand, loadCommand } from "./commands.ts";
import { parseFlags, type ParsedLine } from "./flags.ts";
import { MAIN_FLAGS, mainHelp } from "./help.ts";
import { report } from "./report.ts";
import { type Globals, runCommand, withHelpLetter, withHint, type World } from "./run-command.ts";
import { UsageError } from "./usage-error.ts";

/** Runs one command line to its exit code; every expected failure is printed here and nowhere else. */
export async function main(world: World & { readonly argv: readonly string[] }): Promise<number> {
  const globals: Globals = { root: undefined, debug: false };
  try {
    return await dispatch(world, globals);
  } catch (error) {
    return report(error, world, globals.debug);
  }
}

async function dispatch(world: World & { readonly argv: readonly string[] }, globals: Globals): Promise<number> {
  const line = parseMainLine(world.argv);
  globals.root = line.flags["root"] as string | undefined;
  globals.debug = line.flags["debug"] === true;
  if (line.flags["version"] === true) {
    const { packageVersion } = await import("./version.ts");
    world.stdout.write(`laminate version ${packageVersion()}\n`);
    return 0;
  }
  const words = line.args[0] === "help" ? [...line.args.slice(1), "--help"] : line.args;
  if (words.length === 0 || words[0] === "--help" || line.flags["help"] === true) {
    world.stdout.write(mainHelp());
    return 0;
  }
  const found = findCommand(words);
  if (found === undefined) {
    throw unknownCommand(words);
  }
  return runCommand(await loadCommand(found.name), found.rest, world, globals);
}

function parseMainLine(argv: readonly string[]): ParsedLine {
  try {
    return parseFlags(withHelpLetter(MAIN_FLAGS), argv, false);
  } catch (error) {
    throw withHint(error, "Run 'laminate --help' for more information");
  }
}

function unknownCommand(words: readonly string[]): UsageError {
  const [first = "", second = ""] = words;
  const isNoun = findCommand([first, "build"]) !== undefined || findCommand([first, "ls"]) !== undefined;
  const written = isNoun && !second.startsWith("-") ? `${first} ${second}`.trimEnd() : first;
  const meant = isNoun ? undefined : nearest(first, Object.keys(COMMANDS));
  const suggestion = meant === undefined ? "" : `did you mean 'laminate ${meant}'?\n`;
  return new UsageError("unknown-command", `unknown command: laminate ${written}`, { hint: `${suggestion}Run 'laminate --help' for more information` });
}
