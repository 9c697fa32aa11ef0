import { targetStage } from "./lower/stages.ts";
import type { ArgInstruction, Stage } from "./parse/instruction.ts";
import type { Statement } from "./parse/statement.ts";
import { describing } from "./rules/invalid-definition-description.ts";
import { expandNoting } from "./rules/noted-expansion.ts";
import type { Subject } from "./rules/subject.ts";
import { walk } from "./rules/walk.ts";

interface Taken {
  readonly name: string;
  readonly line: { readonly first: number; readonly last: number };
}

export interface TakenArgument extends Taken {
  readonly description?: string;
  readonly value?: string;
}

/** A secret or an agent that a RUN mounts. */
export interface TakenMount extends Taken {
  readonly required: boolean;
}

/** What the build of a target takes from outside, in the order of the lines. */
export interface Outline {
  readonly name: string | undefined;
  readonly description?: string;
  readonly args: readonly TakenArgument[];
  readonly secrets: readonly TakenMount[];
  readonly ssh: readonly TakenMount[];
}

/** Reads what BuildKit's outline says from the stages that count. */
export function outlineOf(subject: Subject): Outline {
  const target = targetStage(subject.dockerfile, subject.target);
  const found = {
    args: new Map<string, TakenArgument>(),
    secrets: new Map<string, TakenMount>(),
    ssh: new Map<string, TakenMount>(),
  };
  for (const stage of subject.stages) {
    takeGlobals(subject, stage, found.args);
  }
  for (const { instruction, scope } of walk(subject)) {
    const { statement } = instruction;
    if (instruction.kind === "ARG") {
      for (const { name, value } of instruction.args) {
        const text =
          value === undefined
            ? undefined
            : expandNoting(value.text, scope.lookup, statement.escape).text;
        takeArgument(subject, instruction, name, text, found.args);
      }
    }
    for (const { fields } of instruction.kind === "RUN" ? instruction.mounts : []) {
      const options = fields.map(({ key, value = "true" }): [string, string] => [
        key,
        expandNoting(value, scope.lookup, statement.escape).text ?? value,
      ]);
      takeMount(statement, new Map(options), found);
    }
  }
  const text = description(subject, target.from.statement, target.name);
  return {
    name: target.name,
    ...(text === undefined ? {} : { description: text }),
    args: inOrder(found.args),
    secrets: inOrder(found.secrets),
    ssh: inOrder(found.ssh),
  };
}

/** Arguments before the first FROM that a stage's FROM uses. */
function takeGlobals(subject: Subject, { from }: Stage, args: Map<string, TakenArgument>): void {
  const { globals } = subject;
  const written = `${from.base.text} ${from.platform?.value ?? ""}`;
  const { matched } = expandNoting(
    written,
    (name) => globals.values.get(name),
    from.statement.escape,
  );
  for (const name of matched) {
    const global = globalOf(subject, name);
    if (global !== undefined) {
      args.set(name, argument(subject, global, name, globals.values.get(name)));
    }
  }
}

/** An ARG of a stage; without a default of its own it stands for the one before the first FROM. */
function takeArgument(
  subject: Subject,
  instruction: ArgInstruction,
  name: string,
  written: string | undefined,
  args: Map<string, TakenArgument>,
): void {
  const { buildArgs, globals } = subject;
  const global = written === undefined ? globalOf(subject, name) : undefined;
  const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
  const value = given ?? written ?? globals.values.get(name);
  args.set(name, argument(subject, global ?? instruction, name, value));
}

function globalOf({ dockerfile }: Subject, name: string): ArgInstruction | undefined {
  return dockerfile.globals.findLast(({ args }) => args.some((one) => one.name === name));
}

function argument(
  subject: Subject,
  { statement }: ArgInstruction,
  name: string,
  value: string | undefined,
): TakenArgument {
  const text = description(subject, statement, name);
  return {
    name,
    line: linesOf(statement),
    ...(text === undefined ? {} : { description: text }),
    ...(value === undefined ? {} : { value }),
  };
}

/** The comment above a statement, where it begins with the name of what it defines. */
export function description(
  { dockerfile }: Pick<Subject, "dockerfile">,
  statement: Statement,
  name: string | undefined,
): string | undefined {
  const [first, ...words] = describing(dockerfile.source, statement)?.text.split(" ") ?? [];
  return first !== undefined && first === name ? words.join(" ") : undefined;
}

function takeMount(
  statement: Statement,
  options: ReadonlyMap<string, string>,
  found: { readonly secrets: Map<string, TakenMount>; readonly ssh: Map<string, TakenMount> },
): void {
  const type = options.get("type");
  const fallback =
    type === "ssh"
      ? "default"
      : (options.get("target") ?? options.get("dst") ?? options.get("destination"))
          ?.split("/")
          .at(-1);
  const name = options.get("id") ?? fallback;
  if ((type === "secret" || type === "ssh") && name !== undefined) {
    const required = options.get("required") === "true";
    (type === "ssh" ? found.ssh : found.secrets).set(name, {
      name,
      required,
      line: linesOf(statement),
    });
  }
}

function linesOf({ line, lastLine }: Statement): Taken["line"] {
  return { first: line.firstLine, last: lastLine };
}

function inOrder<T extends Taken>(found: ReadonlyMap<string, T>): T[] {
  return [...found.values()].sort((a, b) => a.line.first - b.line.first);
}
