import path from "node:path/posix";
import type { Range } from "../../diagnostics/source-text.ts";
import type { Origin } from "../../graph/operation.ts";
import type { VertexId } from "../../graph/vertex.ts";
import type { ContainerConfig, HistoryEntry } from "../../oci/image-config.ts";
import type { Platform } from "../../oci/platform.ts";
import { expandWord, expandWords, ExpansionError, type Lookup } from "../expand/expand.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import { hereDocText, placeInHereDoc, type HereDoc } from "../parse/here-doc.ts";
import { rangeOf, type Statement, type Word } from "../parse/statement.ts";
import type { HistoryStep } from "./result.ts";

const COMMENT = "buildkit.dockerfile.v0";
const SYSTEM_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface Variable {
  readonly value: string;
  /** ENV is in the image, ARG only in the build. */
  readonly from: "env" | "arg";
}

/** Where a stage starts: an image's config, or the end of another stage. */
export interface StageStart {
  readonly vertex: VertexId;
  readonly platform: Platform;
  readonly config: ContainerConfig;
  readonly author: string | undefined;
  readonly baseHistory: readonly HistoryEntry[];
  readonly inherited?: StageState;
}

/** What a stage is after the instructions so far. It changes while its stage is lowered, and stays as it is after that. */
export class StageState {
  readonly platform: Platform;
  readonly baseHistory: readonly HistoryEntry[];
  readonly steps: HistoryStep[];
  /** Declared build arguments, as the history of a RUN names them. */
  readonly declared: Map<string, string>;
  readonly #variables: Map<string, Variable>;
  #config: ContainerConfig;
  /** The places of each name in the config's Env. */
  readonly #places: Map<string, number[]>;
  /** Env with what was set since the config was last asked for: copied then, and not for each of many ENVs. */
  #env: string[] | undefined;
  author: string | undefined;
  vertex: VertexId;
  /** This stage has its own CMD, which a later ENTRYPOINT leaves alone. */
  hasCommand = false;

  constructor(start: StageStart) {
    this.platform = start.platform;
    this.baseHistory = start.baseHistory;
    this.#config = startConfig(start.config);
    this.author = start.author;
    this.vertex = start.vertex;
    this.steps = [...(start.inherited?.steps ?? [])];
    this.declared = new Map(start.inherited?.declared);
    // The image's ENV wins over an ARG that the stage before declared.
    const env = (this.config.Env ?? []).map(environmentVariable);
    this.#places = new Map();
    for (const [place, [name]] of env.entries()) this.#place(name, place);
    this.#variables = new Map([...(start.inherited?.variables ?? []), ...env]);
  }

  /** Where a stage starts that is FROM this one. */
  start(): StageStart {
    const { vertex, platform, config, author, baseHistory } = this;
    return { vertex, platform, config, author, baseHistory };
  }

  get config(): ContainerConfig {
    if (this.#env !== undefined) {
      this.#config = { ...this.#config, Env: this.#env };
      this.#env = undefined;
    }
    return this.#config;
  }

  /** Env is set with {@link setEnv} alone. */
  set config(config: ContainerConfig) {
    this.#config = config;
  }

  get variables(): ReadonlyMap<string, Variable> {
    return this.#variables;
  }

  readonly lookup: Lookup = (name) => this.#variables.get(name)?.value;

  setEnv(name: string, value: string): void {
    this.#variables.set(name, { value, from: "env" });
    this.#env ??= [...(this.#config.Env ?? [])];
    const places = this.#places.get(name) ?? this.#place(name, this.#env.length);
    for (const place of places) this.#env[place] = `${name}=${value}`;
  }

  #place(name: string, place: number): readonly number[] {
    const places = [...(this.#places.get(name) ?? []), place];
    this.#places.set(name, places);
    return places;
  }

  /** An ARG of the same name as an ENV before it wins until the next ENV, as in BuildKit. */
  setArg(name: string, value: string | undefined): void {
    if (value !== undefined) {
      this.#variables.set(name, { value, from: "arg" });
    }
    this.declared.set(name, value ?? "");
  }

  /** `KEY=value` of one kind, in the order in which they were first set. */
  entries(from: Variable["from"]): string[] {
    return [...this.#variables]
      .filter(([, variable]) => variable.from === from)
      .map(([name, variable]) => `${name}=${variable.value}`);
  }

  record(created_by: string, vertex?: VertexId): void {
    this.steps.push({ created_by, comment: COMMENT, ...(vertex === undefined ? {} : { vertex }) });
  }

  /** A word with its variables replaced and its quotes taken off. */
  expand(statement: Statement, word: Word): string {
    return expanding(statement, word, () =>
      expandWord(word.text, this.lookup, { escape: statement.escape }),
    );
  }

  /** A here-document: quotes are ordinary there, and the escape character is always a backslash. */
  expandDocument(statement: Statement, hereDoc: HereDoc): string {
    try {
      const options = { escape: "\\", skipQuotes: true };
      return expandWord(hereDocText(hereDoc), this.lookup, options);
    } catch (error) {
      throw error instanceof ExpansionError
        ? misexpanded(statement, placeInHereDoc(hereDoc, error.offset, error.length), error)
        : error;
    }
  }

  expandToWords(statement: Statement, word: Word): readonly string[] {
    return expanding(statement, word, () =>
      expandWords(word.text, this.lookup, { escape: statement.escape }),
    );
  }
}

/** Runs the expansion of a word; what it cannot understand becomes an error at its place in the word. */
export function expanding<T>(statement: Statement, at: Word, expand: () => T): T {
  try {
    return expand();
  } catch (error) {
    if (!(error instanceof ExpansionError)) {
      throw error;
    }
    const isAsWritten = statement.line.text.startsWith(at.text, at.offset);
    const range = isAsWritten
      ? statement.line.range(at.offset + error.offset, error.length)
      : rangeOf(statement, at);
    throw misexpanded(statement, range, error);
  }
}

function misexpanded({ source }: Statement, range: Range, { message, hint }: ExpansionError): Error {
  return new DockerfileError(
    "bad-substitution",
    source,
    range,
    message,
    hint === undefined ? {} : { hint },
  );
}

/** The lines of an instruction. */
export function originOf(statement: Statement): Origin {
  return {
    file: statement.source.name,
    line: statement.line.firstLine,
    endLine: statement.lastLine,
  };
}

/** What Docker's builder knows of a config; whatever else a base says (as docker import does) it leaves out (docker-image-spec, DockerOCIImageConfig). */
const MEMBERS: ReadonlySet<string> = new Set([
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "ArgsEscaped",
  "Healthcheck",
  "Shell",
] satisfies (keyof ContainerConfig)[]);

/** A base's config as a stage starts from it: its triggers are used up, and there is always a search path. */
function startConfig(base: ContainerConfig): ContainerConfig {
  const config: ContainerConfig = Object.fromEntries(Object.entries(base).filter(([name]) => MEMBERS.has(name)));
  const env = config.Env ?? [];
  const withPath = env.some((entry) => nameOf(entry) === "PATH") ? env : [...env, SYSTEM_PATH];
  const { WorkingDir } = config;
  const workdir =
    WorkingDir === undefined || WorkingDir === ""
      ? {}
      : { WorkingDir: path.resolve("/", WorkingDir) };
  return { ...config, ...workdir, Env: withPath };
}

function environmentVariable(entry: string): [string, Variable] {
  const name = nameOf(entry);
  return [name, { value: entry.slice(name.length + 1), from: "env" }];
}

function nameOf(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}
