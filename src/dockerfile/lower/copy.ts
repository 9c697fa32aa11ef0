import path from "node:path/posix";
import type { ModeChange } from "../../graph/mode-change.ts";
import type { CopyOperation, InlineFile, Owner } from "../../graph/operation.ts";
import { parseDigest } from "../../oci/digest.ts";
import { hereDocText, type HereDoc } from "../parse/here-doc.ts";
import type { CopyInstruction } from "../parse/instruction.ts";
import { parseSymbolicMode } from "../parse/symbolic-mode.ts";
import { errorAt, valueOf, type Flag, type Statement, type Word } from "../parse/statement.ts";
import type { StageState } from "./stage-state.ts";

/** A COPY or ADD with its words expanded. */
export interface LoweredCopy {
  readonly operation: CopyOperation;
  readonly created_by: string;
}

/** Expands a COPY or ADD to its operation; which tree it copies from is for the caller to say. */
export function lowerCopy(instruction: CopyInstruction, state: StageState): LoweredCopy {
  const { statement, kind } = instruction;
  const sources = instruction.sources.map((word) => ({
    word,
    text: state.expand(statement, word),
  }));
  const destination = state.expand(statement, instruction.destination);
  const chown = expandFlag(statement, instruction.chown, state);
  const chmod = expandFlag(statement, instruction.chmod, state);
  const checksum = expandFlag(statement, instruction.checksum, state);
  const exclude = instruction.exclude.map((flag) => expandFlag(statement, flag, state));
  const parents = instruction.switches.includes("parents");
  const inline = instruction.hereDocs.map((hereDoc) => inlineFile(statement, hereDoc, state));
  for (const { word, text } of sources) {
    refuseSource(statement, word, text, kind);
  }
  const operation: CopyOperation = {
    kind: "copy",
    instruction: kind,
    sources: sources.filter(({ text }) => !isUrl(text)).map(({ text }) => text),
    inline,
    urls: sources.filter(({ text }) => isUrl(text)).map(({ text }) => text),
    destination: absolute(state.config.WorkingDir, destination),
    ...(chown === "" ? {} : { owner: parseOwner(chown) }),
    ...(chmod === "" ? {} : { mode: parseMode(statement, instruction.chmod!, chmod) }),
    ...(checksum === "" ? {} : { checksum: parseChecksum(instruction, checksum, sources) }),
    unpack: kind === "ADD" && instruction.unpack !== false,
    ...(instruction.unpack === true ? { unpackRemote: true } : {}),
    ...(instruction.switches.includes("keep-git-dir") ? { keepGitDir: true } : {}),
    ...(exclude.length === 0 ? {} : { exclude }),
    ...(parents ? { parents } : {}),
    ...(instruction.switches.includes("link") ? { link: true } : {}),
  };
  const words = [
    kind,
    ...(parents ? ["--parents"] : []),
    ...(chown === "" ? [] : [`--chown=${chown}`]),
    ...(chmod === "" ? [] : [`--chmod=${chmod}`]),
  ];
  const written = [
    ...words,
    ...sources.map(({ text }) => text),
    ...inline.map(({ name }) => `<<${name}`),
    destination,
  ];
  return { operation, created_by: `${written.join(" ")} # buildkit` };
}

/** `user`, `user:group`, names or numbers; without a colon the group is what the user's entry says. */
export function parseOwner(text: string): Owner {
  const colon = text.indexOf(":");
  return colon < 0 ? { user: text } : { user: text.slice(0, colon), group: text.slice(colon + 1) };
}

/** Docker's names of a URL that ADD fetches; `github.com/…` without a scheme is a local path. */
function isUrl(text: string): boolean {
  return /^(?:https?|git|ssh):\/\//.test(text) || /^git@[^/:]+:/.test(text);
}

function refuseSource(statement: Statement, word: Word, text: string, kind: "COPY" | "ADD"): void {
  if (kind === "COPY" && isUrl(text)) {
    throw errorAt(
      statement,
      word,
      "bad-argument",
      `COPY cannot fetch the URL ${JSON.stringify(text)}`,
      { hint: "ADD can" },
    );
  }
}

function expandFlag(statement: Statement, flag: Flag | undefined, state: StageState): string {
  return flag === undefined
    ? ""
    : state.expand(statement, valueOf(statement, flag));
}

function parseMode(statement: Statement, flag: Flag, text: string): number | readonly ModeChange[] {
  if (/^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    return Number.parseInt(text, 8);
  }
  if (/^[0-9]/.test(text)) {
    throw errorAt(
      statement,
      flag,
      "bad-argument",
      `--chmod=${text} is not an octal mode between 0 and 07777`,
      { hint: "as in 644, 0755 or u=rwX,go=rX" },
    );
  }
  const changes = parseSymbolicMode(text);
  if (changes === undefined) {
    throw errorAt(statement, flag, "bad-argument", `--chmod=${text} is not a mode`, {
      hint: "as in 644, 0755 or u=rwX,go=rX",
    });
  }
  return changes;
}

/** The digest of what is behind an http(s) URL, or how the commit of a git repository begins. */
function parseChecksum(
  { statement, checksum }: CopyInstruction,
  text: string,
  sources: readonly { readonly text: string }[],
): string {
  const [source] = sources;
  if (source === undefined || sources.length > 1 || !isUrl(source.text)) {
    const problem = "--checksum is for one http(s) or git source";
    throw errorAt(statement, checksum!, "bad-argument", problem);
  }
  const isFile = /^https?:\/\/[^?#]*(?<!\.git)(?:[?#]|$)/.test(source.text);
  if (isFile ? parseDigest(text) === undefined : !/^[0-9a-f]{1,64}$/.test(text)) {
    throw errorAt(
      statement,
      checksum!,
      "bad-argument",
      `--checksum=${text} is not a ${isFile ? "digest" : "commit"}`,
      { hint: isFile ? "as in sha256: and 64 hexadecimal digits" : "as in the 40 digits of git rev-parse HEAD, or how they begin" },
    );
  }
  return text;
}

function inlineFile(statement: Statement, hereDoc: HereDoc, state: StageState): InlineFile {
  const { name, expand } = hereDoc;
  return {
    name,
    content: expand ? state.expandDocument(statement, hereDoc) : hereDocText(hereDoc),
  };
}

/** A slash at the end, or "." there, says "into this directory". */
function absolute(workdir: string | undefined, destination: string): string {
  const joined = path.resolve("/", workdir ?? "/", destination);
  const into = destination === "" || /(?:^|\/)\.?$/.test(destination);
  return into && joined !== "/" ? `${joined}/` : joined;
}
