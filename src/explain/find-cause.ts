import { canonicalJson, type Json } from "../base/canonical-json.ts";
import type { Vertex, VertexId } from "../graph/vertex.ts";
import type { Digest } from "../oci/digest.ts";
import type { StepKey } from "../solver/backend.ts";
import { type BuildRecord, counterpart, type StepName, type StepRecord, stepText } from "./build-record.ts";
import { type Cause, type FileChange, type FileFact, isModeAlone } from "./cause.ts";

type Facts = { readonly [name: string]: Json };
/** What files are, by their paths. */
type Lines = ReadonlyMap<string, string>;

/** What is known of earlier builds, and of this one so far. */
export interface Known {
  /** Earlier builds of the same Dockerfile and target, the newest first; where there is none, those of a like one that is gone. */
  readonly earlier: readonly BuildRecord[];
  /** All steps of this build. */
  readonly planned: readonly StepName[];
  /** Whether there are earlier builds of the same context with other Dockerfiles or targets. */
  readonly others: boolean;
  /** When a step's record was taken out of the cache, milliseconds since the epoch. */
  readonly removedAt: (key: string) => number | undefined;
  /** The files behind an earlier `files` ingredient, where they are still known. */
  readonly filesOf: (digest: Digest) => Buffer | undefined;
  /** A step of this build that was decided before. */
  readonly decided: (id: VertexId) => DecidedStep | undefined;
  /** How many lines of a small text are others than in what the earlier step made; undefined where that is not known. */
  readonly linesChanged: (change: FileChange, key: StepKey, earlier: StepRecord) => Promise<number | undefined>;
}

export interface DecidedStep {
  readonly vertex: Vertex;
  readonly key: StepKey;
  readonly result: string | undefined;
  readonly cause: Cause | undefined;
  /** When it was made, RFC 3339. */
  readonly made: string | undefined;
}

/** Changed files that are kept of a step. */
const MOST_CHANGES = 200;
const LINE_END = 10;
/** Bytes that are compared at a time, at first. */
const STEP = 1 << 16;

/** Changed files whose lines are counted: those that a cause's text names. */
const COUNTED = 3;

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
  const nearest = nearestStep(vertex, key, known);
  const own = stepName(vertex);
  const failed = nearest?.step.name === own.name ? undefined : known.earlier.find((build) => build.failed?.name === own.name && build.failed.stage === own.stage);
  if (failed !== undefined) return { cause: { kind: "failed" }, against: failed.id };
  if (nearest === undefined) {
    const [last] = known.earlier;
    const against = last === undefined ? {} : { against: last.id };
    // The build that made it may have been another Dockerfile's, or be forgotten.
    const at = known.removedAt(key.key);
    if (at !== undefined) return { cause: { kind: "removed", at }, ...against };
    if (last !== undefined) return { cause: { kind: "new" }, ...against };
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

function nearestStep(vertex: Vertex, key: StepKey, { earlier, planned }: Known): Earlier | undefined {
  let nearest: Earlier | undefined;
  for (const build of earlier) {
    const step = counterpart(stepName(vertex), build.steps, planned);
    if (step === undefined) continue;
    const changed = changedIngredients(key, step);
    if (nearest === undefined || changed.length < nearest.changed.length) nearest = { build, step, changed };
  }
  return nearest;
}

/** What tells a vertex among the steps of its build. */
export function stepName({ name, stage, operation }: Vertex): StepName {
  return { name: stepText(name), stage: stage ?? null, kind: operation.kind };
}

/** The names of what went into two steps' keys and differs. */
export function changedIngredients(now: Pick<StepKey, "ingredients">, then: Pick<StepKey, "ingredients">): string[] {
  const names = new Set([...Object.keys(now.ingredients), ...Object.keys(then.ingredients)]);
  return [...names].filter((name) => canonicalJson(now.ingredients[name] ?? null) !== canonicalJson(then.ingredients[name] ?? null));
}

async function difference(vertex: Vertex, stepKey: StepKey, { build, step, changed }: Earlier, known: Known): Promise<Cause> {
  const { key, ingredients, files } = stepKey;
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
    const counted = await Promise.all(changes.slice(0, COUNTED).map((change) => withLines(change, stepKey, step, known)));
    const checkout = known.decided(vertex.inputs[1] ?? -1)?.vertex.operation.kind === "context" && changes.length > 0 && changes.every(isModeAlone);
    return { kind: "files", verb, changes: [...counted, ...changes.slice(COUNTED, MOST_CHANGES)], total: changes.length, ...(checkout ? { checkout } : {}) };
  }
  if (changed.includes("remotes")) return { kind: "remote", ...beforeAndAfter(remoteOf(then["remotes"]), remoteOf(now["remotes"])) };
  const own = changed.filter((name) => name !== "base");
  if (own.length > 0) return settingsCause(own, now, then);
  return await baseCause(vertex, { build, step }, known);
}

async function withLines(change: FileChange, key: StepKey, step: StepRecord, known: Known): Promise<FileChange> {
  const lines = change.before === undefined || change.after === undefined || change.before.content === change.after.content ? undefined : await known.linesChanged(change, key, step);
  return lines === undefined ? change : { ...change, lines };
}

/** The digest or commit of the one thing that is fetched. */
function remoteOf(remotes: Json | undefined): string | undefined {
  const [first, ...more] = Array.isArray(remotes) ? (remotes as readonly Json[]) : [];
  if (first === undefined || more.length > 0 || typeof first !== "object" || first === null) return undefined;
  const { digest, commit } = first as { readonly [name: string]: Json };
  return [digest, commit].find((id) => typeof id === "string");
}

function settingsCause(names: readonly string[], now: Facts, then: Facts): Cause {
  const [only] = names.length === 1 ? names : [];
  // The words are the same, so it is the shell that they are given to.
  if (only === "argv") return { kind: "settings", names: ["shell"], ...beforeAndAfter(shellOf(then[only]), shellOf(now[only])) };
  const values = only === undefined ? [] : [then[only], now[only]].map((value) => (typeof value === "string" || typeof value === "number" ? String(value) : undefined));
  return { kind: "settings", names: names.map((name) => WORDS[name] ?? name), ...beforeAndAfter(values[0], values[1]) };
}

function shellOf(argv: Json | undefined): string | undefined {
  return Array.isArray(argv) ? argv.slice(0, -1).join(" ") : undefined;
}

function beforeAndAfter(before: string | undefined, after: string | undefined): { readonly before?: string; readonly after?: string } {
  return before === undefined || after === undefined || before === after ? {} : { before, after };
}

const WORDS: Readonly<Record<string, string>> = { argv: "command", workdir: "working directory", user: "user", network: "network", mounts: "mounts", insecure: "security mode", hostname: "host name", platform: "platform", hosts: "added hosts", script: "script", inline: "here-document", owner: "owner", mode: "mode" };

interface InBuild {
  readonly build: BuildRecord;
  readonly step: StepRecord | undefined;
}

/** What made the tree below another one: the image, a step between it and here, or that it is another step. */
async function baseCause(vertex: Vertex, { build, step }: InBuild, known: Known): Promise<Cause> {
  const below = vertex.inputs[0] === undefined ? undefined : known.decided(vertex.inputs[0]);
  if (below === undefined) return { kind: "base" };
  const before = build.steps.find(({ id }) => id === step?.inputs[0]);
  const { vertex: input, key, cause } = below;
  const moved = before !== undefined && stepText(input.name) !== before.name;
  if (cause !== undefined && !(moved && build.steps.some(({ name }) => name === stepText(input.name)))) return { kind: "step", id: input.id, name: input.name, cause };
  const isSource = (kind: string) => kind === "image" || kind === "scratch";
  if (isSource(input.operation.kind) && (before === undefined || isSource(before.kind))) return imageCause(below, before, build);
  if (moved) return { kind: "stands-on", now: input.name, before: before.title };
  // It was in the cache, from a build that was not this one's earlier: then what differs is told from there.
  const same = before ?? counterpart(stepName(input), build.steps, known.planned);
  if (same === undefined || same.key === key.key) return await baseCause(input, { build, step: same }, known);
  const own = await difference(input, key, { build, step: same, changed: changedIngredients(key, same) }, known);
  return own.kind === "step" || own.kind === "base-image" || own.kind === "stands-on" ? own : { kind: "step", id: input.id, name: input.name, cause: own };
}

function imageCause({ vertex: { operation }, result: after, made }: DecidedStep, before: StepRecord | undefined, { steps }: BuildRecord): Cause {
  const reference = operation.kind === "image" ? operation.reference : "scratch";
  const images = steps.filter(({ kind }) => kind === "image");
  const old = before ?? images.find(({ ingredients }) => ingredients["reference"] === reference) ?? (images.length === 1 ? images[0] : undefined);
  if (old === undefined) return { kind: "base" };
  const otherReference = old.kind === "image" ? old.ingredients["reference"] : "scratch";
  if (otherReference !== reference) return typeof otherReference === "string" ? { kind: "base-image", reference, otherReference } : { kind: "base" };
  return { kind: "base-image", reference, ...(old.result === undefined ? {} : { before: old.result }), ...(after === undefined ? {} : { after }), ...(made === undefined ? {} : { made }) };
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
  return withoutParents(changes);
}

/** A directory that came or went with files in it is told by those. */
function withoutParents(changes: readonly FileChange[]): FileChange[] {
  const parents = new Set(changes.flatMap(({ path }) => [...path.matchAll(/\/(?=.)/g)].map(({ index }) => path.slice(0, index + 1))));
  return changes.filter(({ path, before, after }) => (before !== undefined && after !== undefined) || !parents.has(path));
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

/** Reads `mode [uid:gid] [attributes] content`, as a selection's lines have it. */
function fact(line: string): FileFact {
  const [, mode, owner, attributes, content] = /^(\d+) (?:(\d+:\d+) )?(?:(sha256:\p{Hex}+) (?=.))?(.*)$/su.exec(line) ?? [];
  return { mode: mode ?? "", content: content ?? line, ...(owner === undefined ? {} : { owner }), ...(attributes === undefined ? {} : { attributes }) };
}

function pairs(value: Json | undefined): ReadonlyMap<string, string> {
  return new Map(((value ?? []) as readonly string[]).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}
