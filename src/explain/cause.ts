import type { VertexId } from "../graph/vertex.ts";

/** A file that a step takes, as it was and as it is: its permissions and its digest, or what else it is. */
export interface FileFact {
  /** Octal. */
  readonly mode: string;
  /** `uid:gid`, where that is not root's. */
  readonly owner?: string;
  /** The digest of its extended attributes, where it has some. */
  readonly attributes?: string;
  /** A digest, or `symlink TARGET`, `hardlink NAME`, `directory`, … */
  readonly content: string;
}

/** A file that a step takes and that is not what it was. */
export interface FileChange {
  readonly path: string;
  readonly before?: FileFact;
  readonly after?: FileFact;
  /** Of a small text: how many of its lines are others. */
  readonly lines?: number;
}

/** Why a step ran: what differs first from the nearest earlier build. Plain data, kept with the build. */
export type Cause =
  | { readonly kind: "asked"; readonly flag: string }
  /** There is no earlier build of the Dockerfile. */
  | { readonly kind: "never" }
  /** No step like it in the earlier builds. */
  | { readonly kind: "new" }
  /** It failed in the earlier build. */
  | { readonly kind: "failed" }
  | { readonly kind: "reworded"; readonly before: string }
  | { readonly kind: "variable"; readonly what: "build argument" | "environment variable"; readonly name: string; readonly before?: string; readonly after?: string }
  | { readonly kind: "variables-moved"; readonly what: "build argument" | "environment variable" }
  /** Of many changes the first; of none, what was chosen is laid out otherwise. `checkout`: all are modes of the build context's files, which seldom change by hand. */
  | { readonly kind: "files"; readonly verb: "copies" | "mounts"; readonly changes: readonly FileChange[]; readonly total: number; readonly checkout?: true }
  | { readonly kind: "files-unknown"; readonly verb: "copies" | "mounts" }
  /** A digest or a commit, where it is one URL. */
  | { readonly kind: "remote"; readonly before?: string; readonly after?: string }
  /** With what it was and is, where that is one word. */
  | { readonly kind: "settings"; readonly names: readonly string[]; readonly before?: string; readonly after?: string }
  /** `made`: when the image was made, RFC 3339. */
  | { readonly kind: "base-image"; readonly reference: string; readonly before?: string; readonly after?: string; readonly otherReference?: string; readonly made?: string }
  /** Another step is the one below it. */
  | { readonly kind: "stands-on"; readonly now: string; readonly before: string }
  /** A step below it gave something else, and why. */
  | { readonly kind: "step"; readonly id: VertexId; readonly name: string; readonly cause?: Cause }
  | { readonly kind: "base" }
  /** Its record was removed, milliseconds since the epoch. */
  | { readonly kind: "removed"; readonly at: number }
  | { readonly kind: "layer-gone" };

const NAMED_FILES = 3;

/** A cause as the end of a sentence: `COPY . /app runs again: ` and this. */
export function causeText(cause: Cause): string {
  switch (cause.kind) {
    case "asked":
      return `asked for with ${cause.flag}`;
    case "never":
      return "never built here";
    case "new":
      return "this instruction is new";
    case "failed":
      return "it failed when it last ran";
    case "reworded":
      return `the instruction was ${JSON.stringify(cause.before)}`;
    case "variable":
      return variableText(cause);
    case "variables-moved":
      return `the order of its ${cause.what}s changed`;
    case "files":
      return cause.changes.length === 0 ? `what it ${cause.verb} is laid out otherwise` : filesText(cause);
    case "files-unknown":
      return `the files that it ${cause.verb} changed`;
    case "remote":
      return cause.before === undefined || cause.after === undefined ? "what is behind its URL changed" : `what is behind its URL now is ${short(cause.after)}, was ${short(cause.before)}`;
    case "settings":
      return `its ${cause.names.join(" and ")} changed${cause.before === undefined || cause.after === undefined ? "" : ` from ${JSON.stringify(cause.before)} to ${JSON.stringify(cause.after)}`}`;
    case "base-image":
      return baseText(cause);
    case "stands-on":
      return `it stands on ${cause.now}, not on ${cause.before}`;
    case "step":
      return stepCauseText(cause);
    case "base":
      return "the image it stands on changed";
    case "removed":
      return `its record was removed by prune on ${new Date(cause.at).toISOString().slice(0, 10)}`;
    case "layer-gone":
      return "its layer is not in the store";
  }
}

/** Told from the lowest step that something of its own made other: those between only follow. */
function stepCauseText({ name, cause }: Extract<Cause, { kind: "step" }>): string {
  if (cause?.kind === "step") return stepCauseText(cause);
  if (cause?.kind === "base-image" || cause?.kind === "base" || cause?.kind === "stands-on") return causeText(cause);
  return cause === undefined ? `it stands on ${name}, which gave something else` : `it stands on ${name}: ${causeText(cause)}`;
}

function variableText({ what, name, before, after }: Extract<Cause, { kind: "variable" }>): string {
  if (after === undefined) return `${what} ${name} is gone`;
  return before === undefined ? `${what} ${name} is new` : `${what} ${name} changed from ${JSON.stringify(before)} to ${JSON.stringify(after)}`;
}

function baseText({ reference, before, after, otherReference, made }: Extract<Cause, { kind: "base-image" }>): string {
  if (otherReference !== undefined) return `it stands on ${reference}, not on ${otherReference}`;
  if (before === undefined || after === undefined || before === after) return `${reference} is another image than before`;
  return `${reference} now is ${short(after)}${made === undefined ? "" : `, made on ${made.slice(0, 10)}`}, was ${short(before)}`;
}

/** The beginning of a digest or a commit. */
function short(id: string): string {
  return id.slice(0, (id.startsWith("sha256:") ? "sha256:".length : 0) + 12);
}

function filesText({ changes, total, checkout }: Extract<Cause, { kind: "files" }>): string {
  const rest = total - Math.min(changes.length, NAMED_FILES);
  const named = changes.slice(0, NAMED_FILES).map(changeText).join(", ");
  const hint = checkout === true ? " (git checkout of another machine?)" : "";
  return `${named}${rest > 0 ? ` and ${rest} more file${rest === 1 ? "" : "s"} changed` : ""}${hint}`;
}

/** What became of one file: `src/a changed (2 lines)`, `mode of run.sh 0644 → 0755`. */
export function changeText(change: FileChange): string {
  const { path, before, after, lines } = change;
  if (before === undefined) return `${path} is new`;
  if (after === undefined) return `${path} is gone`;
  const mode = `mode${isModeAlone(change) ? ` of ${path}` : ""} ${octal(before.mode)} → ${octal(after.mode)}`;
  if (isModeAlone(change)) return mode;
  const [was, is] = [kindOf(before.content), kindOf(after.content)];
  if (was !== is) return `${path} now is a ${is}, was a ${was}`;
  const [from, to] = [before.content, after.content].map((content) => content.slice(content.indexOf(" ") + 1));
  const more = [
    ...(before.mode === after.mode ? [] : [mode]),
    ...(before.owner === after.owner ? [] : [`owner ${before.owner ?? "0:0"} → ${after.owner ?? "0:0"}`]),
    ...(before.attributes === after.attributes ? [] : ["extended attributes"]),
  ];
  if (from !== to && is !== "file") more.unshift(`${from} → ${to}`);
  if (lines !== undefined) more.unshift(`${lines} line${lines === 1 ? "" : "s"}`);
  return `${path} changed${more.length === 0 ? "" : ` (${more.join(", ")})`}`;
}

/** Whether nothing but a file's mode is other. */
export function isModeAlone({ before, after }: FileChange): boolean {
  return before !== undefined && after !== undefined && before.mode !== after.mode && before.content === after.content && before.owner === after.owner && before.attributes === after.attributes;
}

function kindOf(content: string): string {
  const [word] = content.split(" ", 1);
  return word!.startsWith("sha256:") ? "file" : word === "symlink" ? "symbolic link" : word === "hardlink" ? "hard link" : word!;
}

function octal(mode: string): string {
  return mode.padStart(4, "0");
}
