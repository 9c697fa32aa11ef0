import type { ModeChange, ModeClass } from "../../graph/mode-change.ts";

const CLAUSE = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;
const ACTION = /([-+=])([rwxXst]+|[ugo]|)/g;
const ALL: readonly ModeClass[] = ["u", "g", "o"];

/** Reads a symbolic mode as chmod(1) has it, `u=rwX,go-w`; without a class it is for all. Undefined for what is none. */
export function parseSymbolicMode(text: string): readonly ModeChange[] | undefined {
  const clauses = text.split(",").map((clause) => CLAUSE.exec(clause));
  if (clauses.includes(null)) {
    return undefined;
  }
  return clauses.flatMap((clause) => {
    const [, classes = "", actions = ""] = clause!;
    const who = classes === "" || classes.includes("a") ? ALL : ALL.filter((one) => classes.includes(one));
    return [...actions.matchAll(ACTION)].map(([, operator, permissions]): ModeChange => ({ who, operator: operator as ModeChange["operator"], permissions: permissions! }));
  });
}
