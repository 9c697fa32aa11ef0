import { hereDocText, parseHereDocMark } from "../parse/here-doc.ts";
import type { RunInstruction } from "../parse/instruction.ts";
import { argvOf, inShell } from "./settings.ts";
import type { StageState } from "./stage-state.ts";

/** The process of a RUN, and the arguments that the history names. */
export interface Process {
  readonly argv: readonly string[];
  readonly stdin?: string;
  readonly shown: readonly string[];
}

/**
 * What a RUN starts. A lone here-document is the shell's script, or, with `#!`, its interpreter's; any other one is put
 * back into the text for the shell to read, as BuildKit does.
 */
export function processOf(instruction: RunInstruction, state: StageState): Process {
  const { command, statement } = instruction;
  const { hereDocs } = statement;
  if (command.form === "exec" || hereDocs.length === 0) {
    const argv = argvOf(command, state);
    return { argv, shown: argv };
  }
  if (hereDocs.length > 1 || parseHereDocMark(command.text) === undefined) {
    const documents = hereDocs.map((hereDoc) => `\n${hereDoc.content}${hereDoc.name}`);
    const argv = inShell(command.text + documents.join(""), state);
    return { argv, shown: argv };
  }
  const script = hereDocText(hereDocs[0]!);
  if (script.startsWith("#!")) {
    const file = `/dev/pipes/${hereDocs[0]!.name}`;
    return { ...interpreted(script, file), shown: inShell(file, state) };
  }
  const argv = inShell(script, state);
  return { argv, shown: argv };
}

const SHELLS = /^(?:ba|da|a|z|k|mk)?sh$/;
const PYTHON = /^python[\d.]*$/;
const EVALUATORS = /^(?:perl|ruby|node|lua)[\d.]*$/;

/**
 * BuildKit mounts the script as a file and starts that; a run operation has no such file. So well-known interpreters
 * get the script as an argument (a shell also the file's name, its `$0`), others on standard input (where a script that reads its input would eat itself).
 */
function interpreted(script: string, file: string): {
  readonly argv: readonly string[];
  readonly stdin?: string;
} {
  const line = /^#!\s*([^\r\n]*)/.exec(script)![1]!.trim();
  const argv = interpreterArguments(line);
  const program = (argv.findLast((argument) => !argument.startsWith("-")) ?? "").replace(
    /^.*\//,
    "",
  );
  if (SHELLS.test(program)) return { argv: [...argv, "-c", script, file] };
  if (PYTHON.test(program)) return { argv: [...argv, "-c", script] };
  return EVALUATORS.test(program) ? { argv: [...argv, "-e", script] } : { argv, stdin: script };
}

/** The kernel gives an interpreter one argument at most; `env -S` splits it. */
function interpreterArguments(line: string): readonly string[] {
  const match = /^(\S+)\s+(.+)$/.exec(line);
  if (match === null) {
    return [line === "" ? "/bin/sh" : line];
  }
  const [, program, argument] = match as unknown as [string, string, string];
  return argument.startsWith("-S") && program.endsWith("/env")
    ? [program, ...argument.slice(2).trim().split(/\s+/)]
    : [program, argument];
}
