import { canonicalJson, type Json } from "../base/canonical-json.ts";
import type { Vertex, VertexId } from "../graph/vertex.ts";
import type { Digest } from "../oci/digest.ts";
import type { StepKey } from "../solver/backend.ts";
import { type BuildRecord, counterpart, type StepRecord, stepText } from "./build-record.ts";
import type { Cause, FileChange, FileFact } from "./cause.ts";

type Facts = { readonly [name: string]: Json };
/** What files are, by their paths. */
type Lines = ReadonlyMap<string, string>;

/** What is known of earlier builds, and of this one so far. */
export interface Known {
  /** Earlier builds of the same Dockerfile and target, the newest first. */
  readonly earlier: readonly BuildRecord[];
  /** Whether there are earlier builds of the same context with other Dockerfiles or targets. */
  readonly others: boolean;
  /** When a step's record was taken out of the cache, milliseconds since the epoch. */
  readonly removedAt: (key: string) => number | undefined;
  /** The files behind an earlier `files` ingredient, where they are still known. */
  readonly filesOf: (digest: Digest) => Buffer | undefined;
  /** A step of this build that was decided before. */
  readonly decided: (id: VertexId) => { readonly vertex: Vertex; readonly key: StepKey; readonly result: string | undefined; readonly cause: Cause | undefined } | undefined;
}

/** Changed files that are kept of a step. */
const MOST_CHANGES = 200;
const LINE_END = 10;
/** Bytes that are compared at a time, at first. */
const STEP = 1 << 16;

export interface FoundCause {
  readonly cause: Cause;
  /** The ID of the build that the step was compared with, where there was one. */
  readonly against?: string;
}

/**
 * Why a step was not found in the cache: what differs from the like step of the earlier build in which least of it
 * differs. Undefined where nothing of the context was built before, which needs no explaining.
 */
export async function findCause(vertex: Vertex, key: StepKey, known: Known): Promise<FoundCause | undefined> {
  const nearest = nearestStep(vertex, key, known.earlier);
  if (nearest === undefined) {
    const [last] = known.earlier;
    if (last !== undefined) return { cause: { kind: "new" }, against: last.id };
    // The build that made it may have been another Dockerfile's, or be forgotten.
    const at = known.removedAt(key.key);
    if (at !== undefined) return { cause: { kind: "removed", at } };
    return known.others ? { cause: { kind: "never" } } : undefined;
  }
  return { cause: await difference(vertex, key, nearest, known), against: nearest.build.id };
}

interface Earlier {
  readonly build: BuildRecord;
  readonly step: StepRecord;
  /** The names of the ingredients that differ. */
  readonly changed: readonly string[];
}

function nearestStep(vertex: Vertex, key: StepKey, builds: readonly BuildRecord[]): Earlier | undefined {
  let nearest: Earlier | undefined;
  for (const build of builds) {
    const step = counterpart({ name: stepText(vertex.name), stage: vertex.stage ?? null, kind: vertex.operation.kind }, build.steps);
    if (step === undefined) continue;
    const changed = changedIngredients(key, step);
    if (nearest === undefined || changed.length < nearest.changed.length) nearest = { build, step, changed };
  }
  return nearest;
}

/** The names of what went into two steps' keys and differs. */
export function changedIngredients(now: Pick<StepKey, "ingredients">, then: Pick<StepKey, "ingredients">): string[] {
  const names = new Set([...Object.keys(now.ingredients), ...Object.keys(then.ingredients)]);
  return [...names].filter((name) => canonicalJson(now.ingredients[name] ?? null) !== canonicalJson(then.ingredients[name] ?? null));
}

async function difference(vertex: Vertex, { key, ingredients, files }: StepKey, { build, step, changed }: Earlier, known: Known): Promise<Cause> {
  if (key === step.key) {
    const at = known.removedAt(key);
    return at === undefined ? { kind: "layer-gone" } : { kind: "removed", at };
  }
  // A name shows variables replaced: where the command is the same, a variable it uses has changed.
  const reworded = stepText(vertex.name) !== step.name;
  if (reworded && (changed.includes("argv") || !(changed.includes("args") || changed.includes("env")))) {
    return { kind: "reworded", before: step.name };
  }
  const [now, then]: [Facts, Facts] = [ingredients, step.ingredients];
  for (const name of ["args", "env"] as const) {
    if (changed.includes(name)) return variableCause(name === "args" ? "build argument" : "environment variable", pairs(now[name]), pairs(then[name]));
  }
  if (changed.includes("files")) {
    const verb = vertex.operation.kind === "run" ? "mounts" : "copies";
    const before = known.filesOf(then["files"] as Digest);
    if (before === undefined || files === undefined) return { kind: "files-unknown", verb };
    const changes = fileChanges(await files(), before);
    return { kind: "files", verb, changes: changes.slice(0, MOST_CHANGES), total: changes.length };
  }
  if (changed.includes("remotes")) return { kind: "remote" };
  const own = changed.filter((name) => name !== "base");
  if (own.length > 0) return { kind: "settings", names: own.map((name) => WORDS[name] ?? name) };
  return await baseCause(vertex, build, known);
}

const WORDS: Readonly<Record<string, string>> = { argv: "command", workdir: "working directory", user: "user", network: "network", mounts: "mounts", insecure: "security mode", hostname: "host name", platform: "platform", hosts: "added hosts", script: "script", inline: "here-document", owner: "owner", mode: "mode" };

/** What made the tree below another one: the image, or a step between it and here. */
async function baseCause(vertex: Vertex, build: BuildRecord, known: Known): Promise<Cause> {
  const below = vertex.inputs[0] === undefined ? undefined : known.decided(vertex.inputs[0]);
  if (below === undefined) return { kind: "base" };
  const { vertex: input, key, result, cause } = below;
  if (input.operation.kind === "image") return imageCause(input, result, build);
  const step = counterpart({ name: stepText(input.name), stage: input.stage ?? null, kind: input.operation.kind }, build.steps);
  if (cause !== undefined) return { kind: "step", id: input.id, name: input.name, cause };
  // It was in the cache, from a build that was not this one's earlier: then what differs is told from there.
  if (step === undefined || step.key === key.key) return await baseCause(input, build, known);
  const own = await difference(input, key, { build, step, changed: changedIngredients(key, step) }, known);
  return own.kind === "step" || own.kind === "base-image" ? own : { kind: "step", id: input.id, name: input.name, cause: own };
}

function imageCause({ operation }: Vertex, now: string | undefined, { steps }: BuildRecord): Cause {
  if (operation.kind !== "image") return { kind: "base" };
  const { reference } = operation;
  const images = steps.filter(({ kind }) => kind === "image");
  const same = images.find(({ ingredients }) => ingredients["reference"] === reference);
  if (same !== undefined) return { kind: "base-image", reference, ...(same.result === undefined ? {} : { before: same.result }), ...(now === undefined ? {} : { after: now }) };
  const other = images.length === 1 ? images[0]!.ingredients["reference"] : undefined;
  return typeof other === "string" ? { kind: "base-image", reference, otherReference: other } : { kind: "base" };
}

function variableCause(what: "build argument" | "environment variable", now: ReadonlyMap<string, string>, then: ReadonlyMap<string, string>): Cause {
  for (const [name, value] of now) {
    const before = then.get(name);
    if (before === undefined) return { kind: "variable", what, name, after: value };
    if (before !== value) return { kind: "variable", what, name, before, after: value };
  }
  const gone = [...then.keys()].find((name) => !now.has(name));
  return gone === undefined ? { kind: "variables-moved", what } : { kind: "variable", what, name: gone, before: then.get(gone)! };
}

/** What differs between two lists of `path NUL mode content`, a line each. Of long lists that are mostly the same only the middle is looked at. */
export function fileChanges(now: Buffer, then: Buffer): FileChange[] {
  const [facts, before] = middles(now, then).map(factsOf) as [Lines, Lines];
  const changes: FileChange[] = [];
  for (const [path, line] of facts) {
    const old = before.get(path);
    if (old !== line) changes.push({ path, after: fact(line), ...(old === undefined ? {} : { before: fact(old) }) });
  }
  for (const [path, line] of before) if (!facts.has(path)) changes.push({ path, before: fact(line) });
  return changes;
}

/** Two texts without the lines at their beginnings and ends that both have. */
function middles(a: Buffer, b: Buffer): readonly [Buffer, Buffer] {
  const most = Math.min(a.length, b.length);
  const same = commonLength(most, (from, to) => a.compare(b, from, to, from, to) === 0);
  const start = a.subarray(0, same).lastIndexOf(LINE_END) + 1;
  const end = commonLength(most - start, (from, to) => a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0);
  // The line that the common end begins in is not one that both have.
  const whole = a.indexOf(LINE_END, a.length - end);
  const rest = end === 0 || whole < 0 ? 0 : a.length - whole - 1;
  return [a.subarray(start, a.length - rest), b.subarray(start, b.length - rest)];
}

/** How far two texts are the same, of `most` bytes at the most: looked at in steps, as one comparison of many bytes costs little more than of one. */
function commonLength(most: number, same: (from: number, to: number) => boolean): number {
  let known = 0;
  for (let step = STEP; step >= 1; step = step === 1 ? 0 : Math.max(1, step >> 4)) {
    while (known + step <= most && same(known, known + step)) known += step;
  }
  return known;
}

function factsOf(lines: Buffer): Lines {
  const found = lines.toString().split("\n").slice(0, -1);
  return new Map(found.map((line) => [line.slice(0, line.indexOf("\0")), line.slice(line.indexOf("\0") + 1)]));
}

function fact(line: string): FileFact {
  const space = line.indexOf(" ");
  return { mode: line.slice(0, space), content: line.slice(space + 1) };
}

function pairs(value: Json | undefined): ReadonlyMap<string, string> {
  return new Map(((value ?? []) as readonly string[]).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}
