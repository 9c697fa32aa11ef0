import { SourceText, type Position } from "../../diagnostics/source-text.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import { readDirectives } from "../parse/directives.ts";
import { readLogicalLine } from "../parse/logical-line.ts";
import { withHereDocs } from "../parse/parse.ts";
import { splitStatement, type Statement } from "../parse/statement.ts";
import { splitAtSpaces, splitPair, splitQuoted } from "../parse/words.ts";

/** A text that is being written: what its instructions are, whether they are right or not. */
export interface Loose {
  readonly source: SourceText;
  readonly statements: readonly Statement[];
  readonly stages: readonly LooseStage[];
}

/** A FROM, as far as it is written. */
export interface LooseStage {
  readonly name: string | undefined;
  readonly from: Statement;
}

/** Reads what can be read of a text; it is never refused. */
export function readLoosely(text: string): Loose {
  const source = new SourceText("Dockerfile", text);
  const statements = [...statementsOf(source, escapeOf(source))];
  const stages = statements.flatMap((statement) => {
    const [, as, name] = splitAtSpaces(statement.rest);
    const isNamed = as?.text.toUpperCase() === "AS";
    return statement.keyword === "FROM"
      ? [{ from: statement, name: isNamed ? name?.text.toLowerCase() : undefined }]
      : [];
  });
  return { source, statements, stages };
}

function escapeOf(source: SourceText): string {
  try {
    return readDirectives(source).escape;
  } catch (error) {
    return orThrow(error, "\\");
  }
}

function* statementsOf(source: SourceText, escape: string): Generator<Statement> {
  for (let next = 1; next <= source.rawLines.length; next += 1) {
    const line = readLogicalLine(source, next, escape);
    if (line === undefined) continue;
    let statement = splitStatement(source, line, escape);
    try {
      statement = withHereDocs(source, line, escape);
    } catch (error) {
      // Its end is not written yet: all that follows is in it.
      statement = orThrow(error, { ...statement, lastLine: source.rawLines.length });
    }
    yield statement;
    next = statement.lastLine;
  }
}

function orThrow<T>(error: unknown, instead: T): T {
  if (error instanceof DockerfileError) return instead;
  throw error;
}

/** A place in an instruction: in its text, its lines joined. */
export interface Cursor {
  readonly statement: Statement;
  readonly offset: number;
}

/** Where a position is; "outside" where an instruction may begin, undefined in comments and here-documents. */
export function cursorAt({ source, statements }: Loose, position: Position): Cursor | "outside" | undefined {
  const text = source.line(position.line);
  if (text.trimStart().startsWith("#")) return undefined;
  const statement = statements.find((one) => one.line.firstLine <= position.line && position.line <= one.lastLine);
  if (statement === undefined) return "outside";
  if (position.line > statement.line.lastLine) return undefined;
  return { statement, offset: statement.line.offsetOf(position) };
}

/** The stages before a statement: those that it may name. */
export function stagesBefore({ stages }: Loose, statement: Statement): readonly LooseStage[] {
  const own = stages.findLastIndex(({ from }) => from.line.firstLine <= statement.line.firstLine);
  return own < 0 ? [] : stages.slice(0, own);
}

/** A variable and the instruction that sets it. */
export interface Setting {
  readonly name: string;
  readonly statement: Statement;
}

/** The ARGs and ENVs that a statement sees, the last first; FROM sees those before the first FROM. */
export function settingsBefore({ statements, stages }: Loose, statement: Statement): readonly Setting[] {
  const stage = statement.keyword === "FROM" ? undefined : stages.findLast(({ from }) => from.line.firstLine <= statement.line.firstLine);
  const first = stage?.from.line.firstLine ?? 0;
  const last = statement.keyword === "FROM" ? (stages[0]?.from.line.firstLine ?? 0) : statement.line.firstLine;
  const seen = statements.filter(({ keyword, line }) => (keyword === "ARG" || keyword === "ENV") && line.firstLine >= first && line.firstLine < last);
  return seen.flatMap(namesIn).toReversed();
}

function namesIn(statement: Statement): Setting[] {
  const words = splitQuoted(statement.rest, statement.escape);
  const isOld = statement.keyword === "ENV" && words[0]?.text.includes("=") !== true;
  return (isOld ? words.slice(0, 1) : words).map((word) => ({ name: splitPair(word).key.text, statement }));
}
