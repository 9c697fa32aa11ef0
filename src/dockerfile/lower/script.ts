import type { RunOperation } from "../../graph/operation.ts";
import { hereDocText, parseHereDocMark } from "../parse/here-doc.ts";
import type { RunInstruction } from "../parse/instruction.ts";
import { argvOf, inShell } from "./settings.ts";
import type { StageState } from "./stage-state.ts";

/** The process of a RUN, and the arguments that the history names. */
export interface Process {
  readonly argv: readonly string[];
  readonly script?: NonNullable<RunOperation["script"]>;
  readonly shown: readonly string[];
}

/**
 * What a RUN starts. A lone here-document is the shell's script, or, with `#!`, a file that it starts; any other one is put
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
    const path = `/dev/pipes/${hereDocs[0]!.name}`;
    const argv = inShell(path, state);
    return { argv, script: { path, text: script }, shown: argv };
  }
  const argv = inShell(script, state);
  return { argv, shown: argv };
}
