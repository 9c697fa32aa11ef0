import type { Dockerfile } from "./instruction.ts";
import type { Statement } from "./statement.ts";

/** All statements of a Dockerfile, in order. */
export function statementsOf({ globals, stages }: Dockerfile): readonly Statement[] {
  return [
    ...globals,
    ...stages.flatMap(({ from, instructions }) => [from, ...instructions]),
  ].map(({ statement }) => statement);
}
