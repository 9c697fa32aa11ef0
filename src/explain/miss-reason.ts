import { canonicalJson, type Json } from "../base/canonical-json.ts";
import type { Digest } from "../oci/digest.ts";
import type { StepKey } from "../solver/backend.ts";
import type { Vertex } from "../graph/vertex.ts";
import { stepText, type DecisionRecord, type StepDecision } from "./decision-record.ts";

type Facts = { readonly [name: string]: Json };
/** What the store knows of a step that missed. */
export interface KnownOfMiss {
  /** When the step's record was taken out of the cache, milliseconds since the epoch. */
  readonly removedAt: number | undefined;
  /** The files behind an earlier `files` ingredient, where they are still known. */
  readonly filesOf: (digest: Digest) => readonly string[] | undefined;
}

const NAMED_FILES = 3;

/**
 * Why a step was not found in the cache, in one sentence: what differs from the same step of the last build.
 * Undefined when there is no last build to compare with, which needs no explaining.
 */
export async function missReason(vertex: Vertex, key: StepKey, previous: DecisionRecord | undefined, known: KnownOfMiss): Promise<string | undefined> {
  if (previous === undefined) {
    return undefined;
  }
  const before = counterpart(vertex, previous);
  const reason = before === undefined ? "this instruction is new" : await difference(vertex, key, before, known);
  return `${vertex.name} runs again: ${reason}`;
}

/** The step with the same text in the same stage; else the one of its kind, if there is one, whose text is most like it. */
export function counterpart(vertex: Vertex, { steps }: DecisionRecord): StepDecision | undefined {
  const text = stepText(vertex.name);
  const ofStage = steps.filter(({ stage }) => stage === (vertex.stage ?? null));
  const same = ofStage.find(({ name }) => name === text);
  if (same !== undefined) {
    return same;
  }
  const sameKind = ofStage.filter(({ kind, name }) => kind === vertex.operation.kind && firstWord(name) === firstWord(text));
  return sameKind.toSorted((a, b) => likeness(b.name, text) - likeness(a.name, text))[0];
}

/** How many characters two texts share at their beginnings and ends. */
function likeness(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let start = 0;
  while (start < length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return start + end;
}

async function difference(vertex: Vertex, { key, ingredients, files }: StepKey, before: StepDecision, { removedAt, filesOf }: KnownOfMiss): Promise<string> {
  if (key === before.key && removedAt !== undefined) {
    return `its record was removed by prune on ${new Date(removedAt).toISOString().slice(0, 10)}`;
  }
  if (key === before.key) {
    return "its layer is no longer in the store";
  }
  const now = ingredients as Facts;
  const then = before.ingredients;
  const changed = Object.keys(now).filter((name) => canonicalJson(now[name] ?? null) !== canonicalJson(then[name] ?? null));
  // A name shows variables replaced: where the command is the same, a variable it uses has changed.
  const reworded = stepText(vertex.name) !== before.name;
  if (reworded && (changed.includes("argv") || !(changed.includes("args") || changed.includes("env")))) {
    return `the instruction was ${JSON.stringify(before.name)}`;
  }
  for (const name of ["args", "env"] as const) {
    if (changed.includes(name)) {
      return variableChange(name === "args" ? "build argument" : "environment variable", pairs(now[name]), pairs(then[name]));
    }
  }
  if (changed.includes("files")) {
    const verb = vertex.operation.kind === "run" ? "mounts" : "copies";
    const before = filesOf(then["files"] as Digest);
    return before === undefined || files === undefined ? `the files that it ${verb} changed` : changeBetween(await files(), before);
  }
  if (changed.includes("remotes")) {
    return "what is behind its URL changed";
  }
  const own = changed.filter((name) => name !== "base");
  if (own.length > 0) {
    return `its ${own.map((name) => WORDS[name] ?? name).join(" and ")} changed`;
  }
  return "the image it stands on changed";
}

const WORDS: Readonly<Record<string, string>> = { argv: "command", workdir: "working directory", user: "user", network: "network", mounts: "mounts", insecure: "security mode", hostname: "host name", platform: "platform", hosts: "added hosts", script: "script", inline: "here-document", owner: "owner", mode: "mode" };

function variableChange(what: string, now: ReadonlyMap<string, string>, then: ReadonlyMap<string, string>): string {
  for (const [name, value] of now) {
    const before = then.get(name);
    if (before === undefined) return `${what} ${name} is new`;
    if (before !== value) return `${what} ${name} changed from ${JSON.stringify(before)} to ${JSON.stringify(value)}`;
  }
  const gone = [...then.keys()].find((name) => !now.has(name));
  return gone === undefined ? `the order of its ${what}s changed` : `${what} ${gone} is gone`;
}

function fileChange(now: ReadonlyMap<string, string>, then: ReadonlyMap<string, string>): string {
  const changes: string[] = [];
  for (const [path, fact] of now) {
    const before = then.get(path);
    if (before !== fact) changes.push(before === undefined ? `${path} is new` : `${path} ${howChanged(before, fact)}`);
  }
  for (const path of then.keys()) {
    if (!now.has(path)) changes.push(`${path} is gone`);
  }
  if (changes.length === 0) {
    return "the directories that it copies changed";
  }
  const rest = changes.length - NAMED_FILES;
  return changes.slice(0, NAMED_FILES).join(", ") + (rest > 0 ? ` and ${rest} more file${rest === 1 ? "" : "s"} changed` : "");
}

/** Of long lists that are mostly the same only the middle is looked at. */
function changeBetween(now: readonly string[], then: readonly string[]): string {
  const most = Math.min(now.length, then.length);
  let start = 0;
  while (start < most && now[start] === then[start]) start += 1;
  let end = 0;
  while (end < most - start && now.at(-1 - end) === then.at(-1 - end)) end += 1;
  return fileChange(factsOf(now.slice(start, now.length - end)), factsOf(then.slice(start, then.length - end)));
}

function factsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("\0")), line.slice(line.indexOf("\0") + 1)]));
}

function howChanged(then: string, now: string): string {
  const [modeThen, contentThen] = split(then);
  const [modeNow, contentNow] = split(now);
  return contentThen === contentNow && modeThen !== modeNow ? `changed its mode from ${modeThen} to ${modeNow}` : "changed";
}

function split(fact: string): [mode: string, content: string] {
  const space = fact.indexOf(" ");
  return [fact.slice(0, space), fact.slice(space + 1)];
}

function pairs(value: Json | undefined): ReadonlyMap<string, string> {
  return new Map(((value ?? []) as readonly string[]).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

function firstWord(text: string): string {
  return text.split(" ", 1)[0]!;
}
