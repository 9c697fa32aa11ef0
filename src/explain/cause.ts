import type { VertexId } from "../graph/vertex.ts";

/** A file that a step takes, as it was and as it is: its permissions and its digest, or what else it is. */
export interface FileFact {
  /** Octal. */
  readonly mode: string;
  readonly content: string;
}

/** A file that a step takes and that is not what it was. */
export interface FileChange {
  readonly path: string;
  readonly before?: FileFact;
  readonly after?: FileFact;
}

/** Why a step ran: what differs first from the nearest earlier build. Plain data, kept with the build. */
export type Cause =
  | { readonly kind: "asked"; readonly flag: string }
  /** There is no earlier build of the Dockerfile. */
  | { readonly kind: "never" }
  /** No step like it in the earlier builds. */
  | { readonly kind: "new" }
  | { readonly kind: "reworded"; readonly before: string }
  | { readonly kind: "variable"; readonly what: "build argument" | "environment variable"; readonly name: string; readonly before?: string; readonly after?: string }
  | { readonly kind: "variables-moved"; readonly what: "build argument" | "environment variable" }
  /** Of many changes the first; of none, the directories differ, their modes or their names. */
  | { readonly kind: "files"; readonly verb: "copies" | "mounts"; readonly changes: readonly FileChange[]; readonly total: number }
  | { readonly kind: "files-unknown"; readonly verb: "copies" | "mounts" }
  | { readonly kind: "remote" }
  | { readonly kind: "settings"; readonly names: readonly string[] }
  | { readonly kind: "base-image"; readonly reference: string; readonly before?: string; readonly after?: string; readonly otherReference?: string }
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
    case "reworded":
      return `the instruction was ${JSON.stringify(cause.before)}`;
    case "variable":
      return variableText(cause);
    case "variables-moved":
      return `the order of its ${cause.what}s changed`;
    case "files":
      return cause.changes.length === 0 ? `the directories that it ${cause.verb} changed` : filesText(cause);
    case "files-unknown":
      return `the files that it ${cause.verb} changed`;
    case "remote":
      return "what is behind its URL changed";
    case "settings":
      return `its ${cause.names.join(" and ")} changed`;
    case "base-image":
      return baseText(cause);
    case "step":
      return stepCauseText(cause);
    case "base":
      return "the image it stands on changed";
    case "removed":
      return `its record was removed by prune on ${new Date(cause.at).toISOString().slice(0, 10)}`;
    case "layer-gone":
      return "its layer is no longer in the store";
  }
}

/** The first cause, behind all the steps that only follow from others. */
export function rootCause(cause: Cause): Cause {
  return cause.kind === "step" && cause.cause !== undefined ? rootCause(cause.cause) : cause;
}

/** Told from the lowest step that something of its own made other: those between only follow. */
function stepCauseText({ name, cause }: Extract<Cause, { kind: "step" }>): string {
  if (cause?.kind === "step") return stepCauseText(cause);
  if (cause?.kind === "base-image" || cause?.kind === "base") return causeText(cause);
  return cause === undefined ? `it stands on ${name}, which gave something else` : `it stands on ${name}: ${causeText(cause)}`;
}

function variableText({ what, name, before, after }: Extract<Cause, { kind: "variable" }>): string {
  if (after === undefined) return `${what} ${name} is gone`;
  return before === undefined ? `${what} ${name} is new` : `${what} ${name} changed from ${JSON.stringify(before)} to ${JSON.stringify(after)}`;
}

function baseText({ reference, before, after, otherReference }: Extract<Cause, { kind: "base-image" }>): string {
  if (otherReference !== undefined) return `it stands on ${reference}, not on ${otherReference}`;
  return before === undefined || after === undefined ? `${reference} is another image than before` : `${reference} now is ${before === after ? "another image" : short(after)}, was ${short(before)}`;
}

function short(digest: string): string {
  return digest.slice(0, "sha256:".length + 12);
}

function filesText({ changes, total }: Extract<Cause, { kind: "files" }>): string {
  const rest = total - Math.min(changes.length, NAMED_FILES);
  return changes.slice(0, NAMED_FILES).map(changeText).join(", ") + (rest > 0 ? ` and ${rest} more file${rest === 1 ? "" : "s"} changed` : "");
}

/** What became of one file: `src/a changed`, `run.sh changed its mode from 644 to 755`. */
export function changeText({ path, before, after }: FileChange): string {
  if (before === undefined) return `${path} is new`;
  if (after === undefined) return `${path} is gone`;
  return before.content === after.content ? `${path} changed its mode from ${before.mode} to ${after.mode}` : `${path} changed${before.mode === after.mode ? "" : `, and its mode from ${before.mode} to ${after.mode}`}`;
}
