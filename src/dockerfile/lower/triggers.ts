import { DockerfileError } from "../dockerfile-error.ts";
import type { FromInstruction, OnbuildInstruction, StageInstruction } from "../parse/instruction.ts";
import { parseTrigger } from "../parse/parse.ts";
import { errorAt, rangeOf } from "../parse/statement.ts";

/** An instruction that an ONBUILD left for the FROM that runs it. */
export interface Trigger {
  readonly instruction: StageInstruction;
  readonly from: FromInstruction;
  /** Of the same Dockerfile, or the text that an image keeps. */
  readonly onbuild: OnbuildInstruction | string;
}

/** Reads a trigger; a mistake in it is told where a person can see it. */
export function readTrigger(from: FromInstruction, onbuild: Trigger["onbuild"]): Trigger {
  const text = typeof onbuild === "string" ? onbuild : onbuild.trigger;
  try {
    return { instruction: parseTrigger(text, "ONBUILD"), from, onbuild };
  } catch (error) {
    throw misplaced({ from, onbuild }, error);
  }
}

/** Lowers a trigger; a mistake in it is told where a person can see it. */
export async function placed(trigger: Trigger, lower: () => Promise<void>): Promise<void> {
  try {
    await lower();
  } catch (error) {
    throw misplaced(trigger, error);
  }
}

/** A trigger has no line of its own: the place is its ONBUILD, or the FROM of the image that has it. */
function misplaced({ from, onbuild }: Omit<Trigger, "instruction">, error: unknown): unknown {
  if (!(error instanceof DockerfileError)) {
    return error;
  }
  const { code, problem, hint, range } = error;
  const options = { cause: error, ...(hint === undefined ? {} : { hint }) };
  if (typeof onbuild === "string") {
    const [line] = onbuild.split("\n");
    const told = `ONBUILD ${line} of the base image: ${problem}`;
    return errorAt(from.statement, from.base, code, told, options);
  }
  const { statement } = onbuild;
  const related = { range: rangeOf(from.statement, from.base), message: "this FROM runs it" };
  const { start, end } = range;
  const isFirstLine = start.line === 1 && end.line === 1;
  const at = isFirstLine
    ? {
        text: statement.rest.text.slice(start.column - 1, Math.max(end.column - 1, start.column)),
        offset: statement.rest.offset + start.column - 1,
      }
    : statement.rest;
  return errorAt(statement, at, code, problem, { ...options, related });
}
