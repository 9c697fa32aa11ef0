import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type CaseFile, parseFiles } from "../conformance/case-file.ts";

/** A change, and which steps run again because of it. */
export interface Row {
  /** `TOPIC: NAME`. */
  readonly id: string;
  readonly name: string;
  /** The files before: the topic's, and the row's own in the place of those of their names. */
  readonly files: readonly CaseFile[];
  readonly script: readonly Line[];
  /** Why docker does otherwise, or why it is so. */
  readonly why: string | undefined;
  /** What is better, where the steps that run do not say it: a builder that finds what it should not have found. */
  readonly verdict: Verdict | undefined;
  /** The steps that run here, with their causes. */
  readonly here: readonly string[];
  /** The steps that docker runs; undefined where it was not asked yet. */
  readonly docker: readonly string[] | undefined;
  /** Why docker cannot be asked. */
  readonly unasked: string | undefined;
}

/** A line of a row's script: a command of the builder, or of the shell in the row's directory. */
export type Line = { readonly kind: "builder"; readonly words: string; readonly fails?: true; readonly env?: string; readonly umask?: string } | { readonly kind: "shell"; readonly command: string };

export type Verdict = "equal" | "better" | "worse" | "other";

/** Rows that change the same files. */
export interface Topic {
  /** The file's name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly files: readonly CaseFile[];
  readonly rows: readonly Row[];
}

export const TABLE = path.join(import.meta.dirname, "../../../test/cache-table");
const NOTHING = "nothing";
/** What stands between a step and why it runs. */
const CAUSE = / runs(?: again)?: /;

/** All topics, in the order of their files' names. */
export function readTable(): Topic[] {
  const names = readdirSync(TABLE).filter((name) => name.endsWith(".txt")).sort();
  return names.map((name) => parseTopic(name.slice(0, -".txt".length), readFileSync(path.join(TABLE, name), "utf8")));
}

/** Reads a topic's text. Throws, naming the row, where it is none. */
export function parseTopic(name: string, text: string): Topic {
  const [head, ...rows] = text.split(/^=== /m);
  const [words, files] = parseFiles(trimmed(head!));
  const [title, ...about] = words.trim().split("\n");
  return { name, title: title!, about: about.join("\n").trim(), files, rows: rows.map((row) => parseRow(name, files, row)) };
}

function parseRow(topic: string, shared: readonly CaseFile[], text: string): Row {
  const [head, own] = parseFiles(trimmed(text));
  const [name, ...lines] = head.trim().split("\n");
  const id = `${topic}: ${name}`;
  const all = (key: string) => lines.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
  const one = (key: string): string | undefined => all(key)[0];
  const unknown = lines.find((line) => !/^(\$|>|!|here:|docker:|why:|verdict:|flags:|first:|env:|umask:|unasked:) /.test(line));
  if (unknown !== undefined) throw new Error(`${id}: ${JSON.stringify(unknown)} is no line of a row`);
  const script = lines.flatMap((line) => scriptLine(line[0]!, line.slice(2)));
  const [env, umask] = [one("env"), one("umask")];
  const last: Line = { kind: "builder", words: `build ${one("flags") ?? ""} .`, ...(env === undefined ? {} : { env }), ...(umask === undefined ? {} : { umask }) };
  const whole = script.some(({ kind }) => kind === "builder") ? script : [{ kind: "builder", words: `build ${one("first") ?? ""} .` } as const, ...script, last];
  const docker = all("docker");
  return {
    id,
    name: name!,
    files: [...shared.filter((file) => !own.some((other) => other.name === file.name)), ...own],
    script: whole,
    why: one("why"),
    verdict: one("verdict") as Verdict | undefined,
    here: steps(all("here")),
    docker: docker.length === 0 ? undefined : steps(docker),
    unasked: one("unasked"),
  };
}

/** Without the empty line before what follows. */
function trimmed(text: string): string {
  return text.replace(/\n+$/, "\n");
}

function scriptLine(mark: string, words: string): Line[] {
  if (mark === "$") return [{ kind: "shell", command: words }];
  if (mark === ">") return [{ kind: "builder", words }];
  return mark === "!" ? [{ kind: "builder", words, fails: true }] : [];
}

function steps(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line !== NOTHING);
}

/** Replaces what stands of rows' steps in a topic's file. */
export function recordSteps({ name, rows }: Topic, here: ReadonlyMap<string, readonly string[]>, docker: ReadonlyMap<string, readonly string[]>): void {
  const file = path.join(TABLE, `${name}.txt`);
  const [head, ...texts] = readFileSync(file, "utf8").split(/^=== /m);
  const changed = texts.map((text, place) => {
    const row = rows[place]!;
    const theirs = docker.get(row.id) ?? row.docker;
    return withSteps(text, { here: here.get(row.id) ?? row.here, ...(theirs === undefined ? {} : { docker: theirs }) });
  });
  writeFileSync(file, [head, ...changed].join("=== "));
}

function withSteps(text: string, steps: { readonly here: readonly string[]; readonly docker?: readonly string[] }): string {
  const start = /^-- .+ --\n/m.exec(text)?.index ?? text.length;
  const [lines, rest] = [text.slice(0, start).trimEnd().split("\n"), text.slice(start)];
  const kept = lines.filter((line) => !/^(here|docker): /.test(line));
  const said = Object.entries(steps).flatMap(([who, all]) => (all.length === 0 ? [NOTHING] : all).map((step) => `${who}: ${step}`));
  return `${[...kept, ...said].join("\n")}\n${rest === "" ? "\n" : rest}`;
}

/** The step of a line of {@link Row.here}, without its cause. */
export function stepOf(line: string): string {
  return line.split(CAUSE)[0]!;
}

/** The cause of a line of {@link Row.here}. */
export function causeOf(line: string): string | undefined {
  return line.split(CAUSE)[1];
}

/** How what runs here stands to what docker runs. */
export function verdictOf({ verdict, here, docker }: Pick<Row, "verdict" | "here" | "docker">): Verdict | undefined {
  if (verdict !== undefined || docker === undefined) return verdict;
  // Docker names the one stage of some Dockerfiles, those with mounts among them.
  const [ours, theirs] = [here.map(stepOf), docker].map((steps) => steps.map((step) => step.replace(/^\[stage-0 /, "[")));
  const [fewer, more] = [ours!.every((step) => theirs!.includes(step)), theirs!.every((step) => ours!.includes(step))];
  if (fewer && more) return "equal";
  return fewer ? "better" : more ? "worse" : "other";
}
