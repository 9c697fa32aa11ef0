import { SourceText } from "../../diagnostics/source-text.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import { readDirectives } from "./directives.ts";
import { endlessHereDoc } from "./endless-here-doc.ts";
import { hereDocMarks, readHereDoc, type HereDoc } from "./here-doc.ts";
import type {
  ArgInstruction,
  Dockerfile,
  FromInstruction,
  Stage,
  StageInstruction,
} from "./instruction.ts";
import { readLogicalLine, type LogicalLine } from "./logical-line.ts";
import { parseInstruction, takesHereDocs } from "./parse-instruction.ts";
import { errorAt, splitStatement, type Statement } from "./statement.ts";

/** Reads a Dockerfile: text to instructions with their positions. Throws {@link DockerfileError} at the first mistake. */
export function parseDockerfile(text: string, file: string): Dockerfile {
  const source = new SourceText(file, text);
  const { escape } = readDirectives(source);
  const statements = readStatements(source, escape);
  if (statements.length === 0) {
    const start = { line: 1, column: 1 };
    throw new DockerfileError(
      "syntax",
      source,
      { start, end: start },
      "the Dockerfile holds no instructions",
      { hint: "it begins with FROM, as in FROM debian:bookworm" },
    );
  }
  return { source, escape, ...arrange(statements) };
}

/** Reads the one instruction of an ONBUILD trigger; `file` is the name to call the trigger by. */
export function parseTrigger(trigger: string, file: string): StageInstruction {
  const source = new SourceText(file, trigger);
  const [statement, second] = readStatements(source, "\\");
  const instruction =
    statement === undefined || second !== undefined ? undefined : parseInstruction(statement);
  if (instruction === undefined || instruction.kind === "FROM") {
    const start = { line: 1, column: 1 };
    throw new DockerfileError(
      "syntax",
      source,
      { start, end: start },
      "an ONBUILD trigger is one instruction other than FROM",
    );
  }
  return instruction;
}

function readStatements(source: SourceText, escape: string): Statement[] {
  const statements: Statement[] = [];
  let next = 1;
  while (next <= source.rawLines.length) {
    const read = readLogicalLine(source, next, escape);
    if (read === undefined) {
      next += 1;
      continue;
    }
    const statement = withHereDocs(source, read, escape);
    statements.push(statement);
    next = statement.lastLine + 1;
  }
  return statements;
}

/** An instruction with the here-documents that follow it. */
export function withHereDocs(source: SourceText, line: LogicalLine, escape: string): Statement {
  const statement = splitStatement(source, line, escape);
  if (!line.text.includes("<<") || !takesHereDocs(statement)) {
    return statement;
  }
  const hereDocs: HereDoc[] = [];
  let { lastLine } = line;
  for (const mark of hereDocMarks(line.text)) {
    const read = readHereDoc(source, mark, lastLine + 1);
    if (read === undefined) {
      throw endlessHereDoc({ ...statement, hereDocs, lastLine }, mark);
    }
    hereDocs.push(read.hereDoc);
    lastLine = read.last;
  }
  return { ...statement, hereDocs, lastLine };
}

interface OpenStage {
  readonly from: FromInstruction;
  readonly instructions: StageInstruction[];
}

/** Sorts instructions into stages. */
function arrange(statements: readonly Statement[]): Pick<Dockerfile, "globals" | "stages"> {
  const globals: ArgInstruction[] = [];
  const stages: OpenStage[] = [];
  for (const statement of statements) {
    const instruction = parseInstruction(statement);
    if (instruction.kind === "FROM") {
      stages.push({ from: instruction, instructions: [] });
    } else if (stages.length > 0) {
      stages.at(-1)!.instructions.push(instruction);
    } else if (instruction.kind === "ARG") {
      globals.push(instruction);
    } else {
      throw errorAt(statement, undefined, "syntax", `${statement.keyword} before the first FROM`, {
        hint: "only ARG may stand before FROM",
      });
    }
  }
  if (stages.length === 0) {
    throw errorAt(statements.at(-1)!, undefined, "syntax", "the Dockerfile has no FROM", {
      hint: "a stage begins with it, as in FROM debian:bookworm",
    });
  }
  return {
    globals,
    stages: stages.map((stage, index): Stage => ({ ...stage, index, name: stage.from.name })),
  };
}
