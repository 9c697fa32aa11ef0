import { expandWord, ExpansionError, type Lookup } from "../expand/expand.ts";
import type { StageInstruction } from "../parse/instruction.ts";
import type { Statement } from "../parse/statement.ts";

/** Names the steps of one stage as Docker does: `[build 2/5] RUN npm ci`. */
export class StepNames {
  readonly #stage: string;
  readonly #total: number;
  #current = 0;

  /** `stage` is "" in a Dockerfile of one stage. */
  constructor(stage: string, instructions: readonly StageInstruction[], hasImage: boolean) {
    this.#stage = stage;
    this.#total = instructions.filter(isStep).length + (hasImage ? 1 : 0);
  }

  /** `[build 2/5] `; numbers are padded to the width of the total. */
  prefix(): string {
    this.#current += 1;
    const number = `${this.#current}`.padStart(`${this.#total}`.length);
    return `[${this.#stage === "" ? "" : `${this.#stage} `}${number}/${this.#total}] `;
  }

  name(statement: Statement, lookup: Lookup, onbuild: boolean): string {
    return `${this.prefix()}${onbuild ? "ONBUILD " : ""}${commandText(statement, lookup)}`;
  }
}

function isStep(instruction: StageInstruction): boolean {
  return (
    instruction.kind === "RUN" ||
    instruction.kind === "COPY" ||
    instruction.kind === "ADD" ||
    instruction.kind === "WORKDIR"
  );
}

/** The instruction as written, with the variables that have values, and a here-document's first line. */
function commandText(statement: Statement, lookup: Lookup): string {
  const text = statement.keyword + statement.line.text.slice(statement.keyword.length).trimEnd();
  const first = statement.keyword === "RUN" ? statement.hereDocs[0] : undefined;
  const lines = first?.content.trim().split(/\r?\n/) ?? [];
  const summary = first === undefined ? "" : ` (${lines[0] ?? ""}${lines.length > 1 ? "..." : ""})`;
  try {
    return (
      expandWord(text, lookup, {
        escape: statement.escape,
        rawQuotes: true,
        rawEscapes: true,
        keepUnset: true,
      }) + summary
    );
  } catch (error) {
    if (error instanceof ExpansionError) {
      return text + summary;
    }
    throw error;
  }
}
