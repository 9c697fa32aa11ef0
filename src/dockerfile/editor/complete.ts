import type { Position, Range } from "../../diagnostics/source-text.ts";
import { cursorAt, readLoosely, settingsBefore, stagesBefore, type Cursor, type Loose } from "./loose.ts";
import { markdownOf } from "./hover.ts";
import { FLAGS, INSTRUCTIONS, MOUNT_OPTIONS, MOUNT_TYPES, SHARINGS, type Entry } from "./reference.ts";

/** A word that may stand where the cursor is. */
export interface Completion {
  readonly kind: "instruction" | "flag" | "value" | "stage" | "variable" | "file" | "directory";
  readonly label: string;
  readonly markdown?: string;
  /** What of the text it takes the place of: the word as far as it is written. */
  readonly range: Range;
}

/** A file of the build context. */
export interface ContextFile {
  readonly name: string;
  readonly isDirectory: boolean;
}

type Found = Omit<Completion, "range">;

/** The directory of the build context (`""`, `src/web`) whose files may stand at a position. */
export function directoryWanted(text: string, position: Position): string | undefined {
  const loose = readLoosely(text);
  const cursor = cursorAt(loose, position);
  return cursor === undefined || cursor === "outside" ? undefined : candidates(loose, cursor, []).directory;
}

/** The words that may stand at a position; `files` are those of the directory that is wanted there. */
export function completeAt(text: string, position: Position, files: readonly ContextFile[]): readonly Completion[] {
  const loose = readLoosely(text);
  const cursor = cursorAt(loose, position);
  if (cursor === undefined) {
    return [];
  }
  if (cursor === "outside") {
    return instructions().map((found) => ({ ...found, range: { start: position, end: position } }));
  }
  const { start, found } = candidates(loose, cursor, files);
  const { line } = cursor.statement;
  return found.map((one) => ({ ...one, range: line.range(start, cursor.offset - start) }));
}

interface Candidates {
  /** Where the word begins that they complete. */
  readonly start: number;
  readonly found: readonly Found[];
  /** Whose files they are. */
  readonly directory?: string;
}

function candidates(loose: Loose, cursor: Cursor, files: readonly ContextFile[]): Candidates {
  const { statement, offset } = cursor;
  const before = statement.line.text.slice(0, offset);
  const variable = /\$\{?(\w*)$/.exec(before);
  if (variable !== null) {
    const names = new Set(settingsBefore(loose, statement).map(({ name }) => name));
    return { start: offset - variable[1]!.length, found: plain("variable", names) };
  }
  // An ONBUILD is completed as the instruction in it.
  const [, onbuild = "", inner = ""] = /^(onbuild\s+)?([^]*)$/i.exec(before)!;
  if (!/\s/.test(inner)) {
    return { start: onbuild.length, found: instructions() };
  }
  const keyword = /^\S+/.exec(inner)![0].toUpperCase();
  const words = inner.slice(keyword.length).trimStart().split(/\s+/);
  const word = words.pop() ?? "";
  const start = offset - word.length;
  const isFlag = word.startsWith("-") && words.every((one) => one.startsWith("--"));
  return isFlag ? flagCandidates(loose, cursor, keyword, { word, start }) : argumentCandidates(loose, cursor, keyword, { word, start, words }, files);
}

interface Written {
  readonly word: string;
  readonly start: number;
}

function flagCandidates(loose: Loose, { statement }: Cursor, keyword: string, { word, start }: Written): Candidates {
  const equals = word.indexOf("=");
  if (equals < 0) {
    const flags = Object.entries(FLAGS[keyword] ?? {});
    return { start, found: flags.map(([name, entry]) => described("flag", entry.form.includes("=") ? `--${name}=` : `--${name}`, entry)) };
  }
  const name = word.slice(2, equals);
  const value = start + equals + 1;
  if (name === "mount") {
    return mountCandidates(loose, statement, { word: word.slice(equals + 1), start: value });
  }
  if (name === "from") return { start: value, found: stages(loose, statement) };
  const values: Readonly<Record<string, readonly string[]>> = { network: ["default", "none", "host"], security: ["sandbox", "insecure"], unpack: ["true", "false"], platform: ["$BUILDPLATFORM", "$TARGETPLATFORM", "linux/amd64", "linux/arm64"] };
  return { start: value, found: plain("value", Object.hasOwn(values, name) ? values[name]! : []) };
}

function mountCandidates(loose: Loose, statement: Cursor["statement"], { word, start }: Written): Candidates {
  const comma = word.lastIndexOf(",") + 1;
  const field = word.slice(comma);
  const equals = field.indexOf("=");
  if (equals < 0) {
    const options = Object.entries(MOUNT_OPTIONS);
    return { start: start + comma, found: options.map(([name, entry]) => described("flag", entry.form.includes("=") ? `${name}=` : name, entry)) };
  }
  const value = start + comma + equals + 1;
  switch (field.slice(0, equals)) {
    case "type":
      return { start: value, found: Object.entries(MOUNT_TYPES).map(([name, entry]) => described("value", name, entry)) };
    case "sharing":
      return { start: value, found: plain("value", SHARINGS) };
    case "from":
      return { start: value, found: stages(loose, statement) };
    default:
      return { start: value, found: [] };
  }
}

function argumentCandidates(loose: Loose, { statement }: Cursor, keyword: string, { word, start, words }: Written & { readonly words: readonly string[] }, files: readonly ContextFile[]): Candidates {
  const given = words.filter((one) => !one.startsWith("--"));
  switch (keyword) {
    case "FROM":
      return { start, found: given.length === 0 ? [...stages(loose, statement), ...plain("value", ["scratch"])] : given.length === 1 ? plain("value", ["AS"]) : [] };
    case "HEALTHCHECK":
      return { start, found: given.length === 0 ? plain("value", ["CMD", "NONE"]) : [] };
    case "COPY":
    case "ADD":
      return words.some((one) => one.startsWith("--from")) ? { start, found: [] } : fileCandidates(word, start, files);
    default:
      return { start, found: [] };
  }
}

/** Files of the directory that is written so far; in a list behind a quote. */
function fileCandidates(word: string, start: number, files: readonly ContextFile[]): Candidates {
  const path = word.replace(/^\[?"?/, "");
  const slash = path.lastIndexOf("/") + 1;
  return {
    start: start + word.length - path.length + slash,
    directory: path.slice(0, slash).replace(/^(?:\.?\/)+/, "").replace(/\/$/, ""),
    found: files.map(({ name, isDirectory }) => (isDirectory ? { kind: "directory", label: `${name}/` } : { kind: "file", label: name })),
  };
}

function instructions(): readonly Found[] {
  return Object.entries(INSTRUCTIONS).map(([name, entry]) => described("instruction", name, entry));
}

function stages(loose: Loose, statement: Cursor["statement"]): readonly Found[] {
  return plain("stage", new Set(stagesBefore(loose, statement).flatMap(({ name }) => name ?? [])));
}

function plain(kind: Completion["kind"], labels: Iterable<string>): Found[] {
  return [...labels].map((label) => ({ kind, label }));
}

function described(kind: Completion["kind"], label: string, entry: Entry): Found {
  return { kind, label, markdown: markdownOf(entry) };
}
